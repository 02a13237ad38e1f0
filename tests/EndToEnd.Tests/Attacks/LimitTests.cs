using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;
using Endpoint = Mesh.Admin.V1.Endpoint;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>A workload with a good certificate that wants more than its share. The others have theirs meanwhile.</summary>
public class LimitTests(TightMesh tight) : IClassFixture<TightMesh>
{
    private MeshUnderTest Mesh => tight.Mesh;

    [Fact(Explicit = true)]
    public async Task Calls_of_one_identity_are_bounded_in_each_second()
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var greedy = await GreedyAsync("calls");
        using var first = new TestProxy(Mesh.ProxyHostUrl, greedy);
        using var second = new TestProxy(Mesh.ProxyHostUrl, greedy);
        // Both connections stand, and the service's grain is there, before anything is counted.
        Assert.Equal(StatusCode.OK, await ResolveAsync(first));
        Assert.Equal(StatusCode.OK, await ResolveAsync(second));
        var before = await Refusals.CountAsync(Mesh, "CallsPerSecond");

        // Over two connections, since it is the identity that counts.
        var time = Stopwatch.StartNew();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => ResolveAsync(i % 2 == 0 ? first : second)));

        Assert.All(statuses, status => Assert.True(status is StatusCode.OK or StatusCode.ResourceExhausted, status.ToString()));
        // What the bucket held, but for the two calls above, and a whole second's worth for each that began meanwhile.
        var most = TightMesh.CallsPerSecond * (2 + (int)time.Elapsed.TotalSeconds);
        Assert.InRange(statuses.Count(status => status == StatusCode.OK), TightMesh.CallsPerSecond - 2, most);
        await Refusals.GrewAsync(Mesh, "CallsPerSecond", before, by: statuses.Count(status => status == StatusCode.ResourceExhausted));
        await bystander.WasServedAsync();
    }

    [Fact(Explicit = true)]
    public async Task Connections_of_one_identity_are_bounded()
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var greedy = await GreedyAsync("connections");
        var before = await Refusals.CountAsync(Mesh, "MaxConnectionsPerIdentity");
        List<TestProxy> proxies = [.. Enumerable.Range(0, TightMesh.ConnectionsPerIdentity + 3).Select(_ => new TestProxy(Mesh.ProxyHostUrl, greedy))];

        var statuses = new List<StatusCode>();
        foreach (var proxy in proxies)
        {
            statuses.Add(await ResolveAsync(proxy));
        }

        Assert.Equal(TightMesh.ConnectionsPerIdentity, statuses.Count(status => status == StatusCode.OK));
        await Refusals.GrewAsync(Mesh, "MaxConnectionsPerIdentity", before, by: 3);
        await bystander.WasServedAsync();
        // Those that end make room again.
        proxies.ForEach(proxy => proxy.Dispose());
        using var later = new TestProxy(Mesh.ProxyHostUrl, greedy);
        await UntilRoomAsync(later);
    }

    [Fact(Explicit = true)]
    public async Task Watch_streams_are_bounded_by_connection_and_by_identity()
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var greedy = await GreedyAsync("watches");
        var (connection, identity) = (await Refusals.CountAsync(Mesh, "MaxWatchesPerConnection"), await Refusals.CountAsync(Mesh, "MaxWatchesPerIdentity"));
        List<TestProxy> proxies = [.. Enumerable.Range(0, 3).Select(_ => new TestProxy(Mesh.ProxyHostUrl, greedy))];
        var open = new List<AsyncServerStreamingCall<WatchResponse>>();

        // Two each on the first two connections are all that the identity may have.
        foreach (var proxy in proxies.Take(2))
        {
            open.Add(await WatchAsync(proxy, new WatchRequest()));
            open.Add(await WatchAsync(proxy, new WatchRequest()));
        }

        await RefusedAsync(proxies[0], new WatchRequest(), StatusCode.ResourceExhausted);
        await RefusedAsync(proxies[2], new WatchRequest(), StatusCode.ResourceExhausted);

        await Refusals.GrewAsync(Mesh, "MaxWatchesPerConnection", connection);
        await Refusals.GrewAsync(Mesh, "MaxWatchesPerIdentity", identity);
        await bystander.WasServedAsync();
        open.ForEach(call => call.Dispose());
        proxies.ForEach(proxy => proxy.Dispose());
    }

    [Fact(Explicit = true)]
    public async Task One_identity_cannot_use_up_what_this_proxyhost_follows()
    {
        using var greedy = await GreedyAsync("services");
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, greedy);
        using var first = await WatchAsync(proxy, Services(0, TightMesh.ServicesPerIdentity));
        var before = await Refusals.CountAsync(Mesh, "LimitReached");

        await RefusedAsync(proxy, Services(5, TightMesh.ServicesPerIdentity), StatusCode.ResourceExhausted);

        await Refusals.GrewAsync(Mesh, "LimitReached", before);
        // The same services again are not more services.
        using var same = await WatchAsync(proxy, Services(0, TightMesh.ServicesPerIdentity));
    }

    [Fact(Explicit = true)]
    public async Task A_watch_that_is_never_read_ends_with_its_connection()
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var greedy = await GreedyAsync("reads-nothing");
        var before = await Refusals.CountAsync(Mesh, "WriteTimeout");
        await using var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, greedy, window: 0);
        await connection.SendAsync(connection.Call(1, RawCalls.Watch), RawHttp2.Message(1, Services(0, 1).ToByteArray()));
        var ended = connection.EndedAsync(TimeSpan.FromSeconds(15));

        // Each version is 60 KB that the server may not send, since the stream's window never opens.
        for (var version = 1; !ended.IsCompleted; version++)
        {
            var endpoints = Enumerable.Range(0, 1_000).Select(
                n => new Endpoint { Address = $"10.0.{n / 250}.{n % 250}:{4000 + version}", SpiffeId = Mesh.IdOf("web").ToString() });
            await Mesh.Admin.SetServiceAsync(
                new SetServiceRequest { Name = "service-0.shop:80", Endpoints = { endpoints } }, cancellationToken: TestContext.Current.CancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        Assert.NotNull(await ended);
        await Refusals.GrewAsync(Mesh, "WriteTimeout", before);
        await bystander.WasServedAsync();
    }

    [Fact(Explicit = true)]
    public async Task A_call_whose_message_comes_too_slowly_is_given_up()
    {
        using var greedy = await GreedyAsync("sends-slowly");
        var before = await Refusals.CountAsync(Mesh, "CallTimeout");
        await using var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, greedy);
        // 60,000 bytes are announced. They come faster than the slowest rate that the server bears, and still would take a minute.
        await connection.SendAsync(connection.Call(1, RawCalls.Certify), RawHttp2.Frame(RawHttp2.Data, 0, 1, [0, 0, 0, 0xEA, 0x60]));
        using var trickle = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        for (var sent = 0; sent < 30_000 && await Refusals.CountAsync(Mesh, "CallTimeout") == before; sent += 500)
        {
            await connection.SendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 1, new byte[500]));
            await trickle.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        await Refusals.GrewAsync(Mesh, "CallTimeout", before);
    }

    [Fact(Explicit = true)]
    public async Task A_call_whose_message_never_comes_ends_its_connection()
    {
        using var greedy = await GreedyAsync("sends-nothing");
        var before = await Refusals.CountAsync(Mesh, "MinRequestBodyDataRate");
        await using var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, greedy);
        await connection.SendAsync(connection.Call(1, RawCalls.Certify));

        Assert.NotNull(await connection.EndedAsync(TimeSpan.FromSeconds(15)));
        await Refusals.GrewAsync(Mesh, "MinRequestBodyDataRate", before);
    }

    [Fact(Explicit = true)]
    public async Task A_connection_without_a_certificate_is_soon_over()
    {
        var before = await Refusals.CountAsync(Mesh, "UnprovenLifetime");
        await using var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, null);

        var ended = await connection.EndedAsync(TimeSpan.FromSeconds(10));

        Assert.InRange(ended ?? TimeSpan.MaxValue, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(5));
        await Refusals.GrewAsync(Mesh, "UnprovenLifetime", before);
    }

    private async Task<SvidCredential> GreedyAsync(string name) => (await TestProxy.EnrollAsync(Mesh, $"greedy-{name}")).Credential;

    private static WatchRequest Services(int first, int count) => new()
    {
        Services = { Enumerable.Range(first, count).Select(i => new ServiceVersion { Name = $"service-{i}.shop:80" }) },
    };

    private static Task<StatusCode> UntilRoomAsync(TestProxy proxy) => Eventually.UntilAsync(
        () => ResolveAsync(proxy), status => status == StatusCode.OK, "there is room for a connection again");

    private static async Task<AsyncServerStreamingCall<WatchResponse>> WatchAsync(TestProxy proxy, WatchRequest request)
    {
        var call = proxy.Session.Watch(request);
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        return call;
    }

    private static async Task RefusedAsync(TestProxy proxy, WatchRequest request, StatusCode status)
    {
        using var call = proxy.Session.Watch(request);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(status, refusal.StatusCode);
    }

    private static async Task<StatusCode> ResolveAsync(TestProxy proxy)
    {
        try
        {
            await proxy.Session.ResolveAsync(new ResolveRequest { Service = "web.shop:80" });
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }
}
