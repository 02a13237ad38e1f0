using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Mesh.Proxy.Admin;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Admin;

/// <summary>Probes and scrapes over a real socket.</summary>
public sealed class AdminListenerTests : IAsyncLifetime
{
    private const int Port = 4191;

    private readonly CancellationTokenSource _stopping = new();
    private readonly LoopGroup _loops = new(count: 1);
    private readonly SocketListener _listener;
    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestProxy _proxy;
    private readonly Task _running;

    public AdminListenerTests()
    {
        _proxy = new TestProxy(_east, new TestBundles(_east));
        _listener = new SocketListener(new IPEndPoint(IPAddress.Loopback, 0), maxConnections: 64, _loops, _proxy.TroublesOf("inbound"));
        var metrics = new MetricsPage(_proxy.Identity, _proxy.Edges, _proxy.Refusals, new CertificateGauges(_proxy.Identity, _proxy.Clock), TestTrustDomain.Now);
        var admin = new AdminListener(Port, _proxy.Identity, new TlsContexts(MeshProtocol.Wanted), metrics, _proxy.Edges);
        _running = _listener.RunAsync(admin.ServeAsync, _stopping.Token);
    }

    [Fact]
    public async Task It_is_live_at_once_and_ready_when_traffic_may_pass()
    {
        Assert.Equal((200, "live\n"), await GetAsync("/live"));
        Assert.Equal((503, "waiting for certificate, trust bundle and policy\n"), await GetAsync("/ready"));

        _proxy.MakeReady(_east.Credential());

        Assert.Equal((200, "ready\n"), await GetAsync("/ready"));
    }

    [Fact]
    public async Task Metrics_are_text_for_Prometheus()
    {
        var answer = await SayAsync("GET /metrics HTTP/1.1\r\nHost: proxy\r\nAccept: text/plain\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: ", answer, StringComparison.Ordinal);
        Assert.EndsWith($"process_start_time_seconds {TestTrustDomain.Now.ToUnixTimeSeconds()}\n", answer, StringComparison.Ordinal);
        Assert.Equal(200, (await GetAsync("/metrics?name[]=up")).Status);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/metrics/")]
    [InlineData("/LIVE")]
    [InlineData("http://proxy/live")]
    public async Task Anything_else_is_not_found(string path) => Assert.Equal(404, (await GetAsync(path)).Status);

    [Theory]
    [InlineData("POST")]
    [InlineData("DELETE")]
    [InlineData("get")]
    public async Task Other_methods_are_refused(string method) =>
        Assert.StartsWith("HTTP/1.1 405 ", await SayAsync($"{method} /ready HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);

    [Fact]
    public async Task HEAD_is_answered_without_a_body()
    {
        var answer = await SayAsync("HEAD /live HTTP/1.1\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Length: 5\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hello\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("GET /live\r\n\r\n")]
    [InlineData("GET /live HTTP/2.0\r\n\r\n")]
    [InlineData("GET  /live HTTP/1.1\r\n\r\n")]
    [InlineData("GET /live HTTP/1.1 \r\n\r\n")]
    public async Task What_is_no_HTTP_1_request_is_a_bad_one(string request) =>
        Assert.StartsWith("HTTP/1.1 400 ", await SayAsync(request), StringComparison.Ordinal);

    [Fact]
    public async Task A_head_in_pieces_is_read_to_its_end()
    {
        using var client = TestApplication.Connect(_listener.Address);
        foreach (var piece in new[] { "GET /li", "ve HTTP/1.1\r\nHost: pro", "xy\r\n\r", "\n" })
        {
            await TestApplication.SendAsync(client, Encoding.ASCII.GetBytes(piece));
            await Task.Yield();
        }

        Assert.StartsWith("HTTP/1.1 200 ", Text(await Reception.ReadAsync(client)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_over_8_KiB_is_refused_and_one_under_it_is_not()
    {
        const string Start = "GET /live HTTP/1.1\r\nX: ";
        Assert.StartsWith("HTTP/1.1 200 ", await SayAsync($"{Start}{new string('x', 8_192 - Start.Length - 4)}\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", await SayAsync($"{Start}{new string('x', 8_192 - Start.Length)}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_dawdles_is_let_go_and_holds_up_nobody()
    {
        using var slow = TestApplication.Connect(_listener.Address);
        await TestApplication.SendAsync(slow, "GET /live HT"u8.ToArray());

        Assert.Equal(200, (await GetAsync("/live")).Status);

        Assert.Empty((await Reception.ReadAsync(slow)).Bytes);
        await Eventually.EqualAsync(0, () => _listener.Open);
    }

    [Fact]
    public async Task Probes_and_scrapes_are_edges_of_their_own_and_strangers_requests_are_not()
    {
        foreach (var path in new[] { "/live", "/ready", "/metrics", "/elsewhere", "/live" })
        {
            await GetAsync(path);
        }

        await SayAsync("nonsense\r\n\r\n");
        await Eventually.EqualAsync(0, () => _listener.Open);

        var edges = _proxy.Edges.Snapshot().ToDictionary(edge => edge.Key.Kind, edge => edge);
        Assert.Equal([EdgeKind.Probe, EdgeKind.Scrape], edges.Keys.Order());
        Assert.Equal(new EdgeKey(EdgeKind.Probe, Direction.Inbound, "", "", Port, "disabled", "loopback", "HTTP/1.1"), edges[EdgeKind.Probe].Key);
        Assert.Equal((3, 3, 0, 0), Sums(edges[EdgeKind.Probe].Now));
        Assert.Equal((1, 1, 0, 0), Sums(edges[EdgeKind.Scrape].Now));
        Assert.True(edges[EdgeKind.Scrape].Now is { FromOpener: > 20, ToOpener: > 500 });
    }

    [Theory]
    [InlineData("mesh-orleans/tcp")]
    [InlineData("http/1.1")]
    public async Task A_scraper_with_an_identity_is_answered_in_mutual_TLS_and_counted_by_it(string protocol)
    {
        var prometheus = SpiffeId.ForWorkload(_east.Name, "monitoring", "prometheus");
        _proxy.MakeReady(_east.Credential());
        using var socket = TestApplication.Connect(_listener.Address);
        await using var tls = new SslStream(new NetworkStream(socket));
        using var credential = _east.Credential(prometheus);
        await tls.AuthenticateAsClientAsync(
            SvidTls.Client(
                credential, "web.shop.east.example", chain => _proxy.Identity.Verify(chain), [MeshProtocol.Streams, new SslApplicationProtocol(protocol)]),
            TestContext.Current.CancellationToken);

        await tls.WriteAsync("GET /metrics HTTP/1.1\r\nHost: proxy\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(tls);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Equal(protocol, tls.NegotiatedApplicationProtocol.ToString());
        await Eventually.EqualAsync(1, () => _proxy.Edges.Snapshot().Count());
        Assert.Equal(new EdgeKey(EdgeKind.Scrape, Direction.Inbound, prometheus.ToString(), "", Port, "true", "", "TLSv1.3"), _proxy.Edge.Key);
    }

    [Fact]
    public async Task A_proxy_of_the_mesh_leads_its_workload_to_the_metrics_of_another()
    {
        var web = _east.Credential(_east.Web);
        _proxy.MakeReady(web);
        await using var scraper = new TestProxy(_east, new TestBundles(_east)).MakeReady(
            _east.Credential(SpiffeId.ForWorkload(_east.Name, "monitoring", "prometheus")));

        var answer = Text(await Reception.OfAsync(
            scraper.ListenOutbound((_listener.Address, _east.Web)), "GET /metrics HTTP/1.1\r\nHost: proxy\r\n\r\n"u8.ToArray()));

        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Equal(("true", _east.Web.ToString()), (scraper.Edge.Key.Tls, scraper.Edge.Key.PeerId));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        await Eventually.EqualAsync(0, () => _listener.Open);
        _listener.Dispose();
        _stopping.Dispose();
        await _proxy.DisposeAsync();
    }

    private static (long Opened, long Closed, long Failed, long Refused) Sums(EdgeSnapshot now) => (now.Opened, now.Closed, now.Failed, now.Refused);

    private async Task<(int Status, string Body)> GetAsync(string path)
    {
        var answer = await SayAsync($"GET {path} HTTP/1.1\r\nHost: proxy\r\n\r\n");
        return (int.Parse(answer.AsSpan(9, 3), provider: null), answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
    }

    private async Task<string> SayAsync(string request) => Text(await Reception.OfAsync(_listener.Address, Encoding.ASCII.GetBytes(request)));

    private static string Text(Reception received)
    {
        Assert.True(received.EndedCleanly, received.ToString());
        return Encoding.UTF8.GetString(received.Bytes);
    }
}
