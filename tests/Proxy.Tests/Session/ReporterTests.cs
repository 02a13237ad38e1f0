using System.Collections.Concurrent;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Session;

public sealed class ReporterTests : IAsyncLifetime
{
    private static readonly EdgeKey Key = new(
        EdgeKind.Application, Direction.Outbound, "spiffe://east.example/ns/shop/sa/voting", "voting.shop:8080", 8080, "true", "", "TLSv1.3");

    private readonly ConcurrentQueue<ReportRequest> _reports = new();

    private AgentUnderTest _agent = null!;
    private int _failures;

    [Fact]
    public async Task Each_report_has_what_was_added_and_what_is_open()
    {
        var edge = _agent.Edges.For(Key);
        edge.Opened();
        edge.Opened();
        edge.FromOpener(10);
        await ReportedAsync(1);
        edge.Closed(cleanly: true);
        edge.FromOpener(5);
        edge.ToOpener(7);
        edge.Refused();
        await ReportedAsync(2);

        Assert.Equal(
            [
                Message(opened: 2, open: 2, sent: 10, received: 0, refused: 0),
                Message(opened: 0, open: 1, sent: 5, received: 7, refused: 1),
            ],
            _reports.Select(report => Assert.Single(report.Edges)));
    }

    [Fact]
    public async Task The_name_that_opaque_TLS_asks_for_is_reported()
    {
        _agent.Edges.For(Key with { PeerId = "", Tls = "opaque", Protocol = "TLS", ServerName = "shop.example.com" }).Opened();
        await ReportedAsync(1);

        Assert.Equal("shop.example.com", Assert.Single(Assert.Single(_reports).Edges).Sni);
    }

    [Fact]
    public async Task The_bundle_in_force_is_acknowledged_with_the_leafs_key_at_once_when_it_changes()
    {
        await ReportedAsync(1);
        var leaf = _agent.Identity.Credential!.Svid;

        _agent.Identity.Accept(_agent.Bundle(2));
        await Eventually.ThatAsync(() => _reports.Count, reports => reports == 2, "a report, though no time passes");

        var words = _reports.Select(report => BundleAcknowledgement.Verify(report.Acknowledgement, leaf.LeafDer)).ToList();
        Assert.Equal([1, 2], words.Select(word => word.Sequence));
        Assert.Equal(BundleAcknowledgement.DigestOf(_agent.Identity.Bundles.Held!.Jws), words[1].Digest);
        Assert.All(words, word => Assert.Equal(leaf.InstanceId ?? "", word.InstanceId));
        Assert.Throws<FormatException>(() => BundleAcknowledgement.Verify(_reports.First().Acknowledgement, _agent.East.WorkloadIssuer.Der));
    }

    [Fact]
    public async Task What_was_acknowledged_is_said_again_every_half_minute()
    {
        await ReportedAsync(1);
        _agent.Clock.Advance(TimeSpan.FromSeconds(28));
        Assert.Single(_reports);

        await ReportedAsync(2);

        Assert.Equal(_reports.First().Acknowledgement, _reports.Last().Acknowledgement);
    }

    [Fact]
    public async Task A_report_that_fails_is_made_up_for_by_the_next()
    {
        _failures = 2;
        var edge = _agent.Edges.For(Key);
        edge.Opened();
        edge.FromOpener(10);

        await ReportedAsync(1);

        Assert.Equal(Message(opened: 1, open: 1, sent: 10, received: 0, refused: 0), Assert.Single(Assert.Single(_reports).Edges));
        Assert.Equal(2, _agent.Log.Of(5401).Count());
    }

    [Fact]
    public async Task Many_edges_are_reported_in_parts_each_once()
    {
        for (var i = 0; i < 150; i++)
        {
            _agent.Edges.For(Key with { PeerId = $"peer-{i}" }).Opened();
        }

        await ReportedAsync(3);

        Assert.Equal([64, 64, 22], _reports.Select(report => report.Edges.Count));
        Assert.Equal(150, _reports.SelectMany(report => report.Edges).Select(edge => edge.PeerId).Distinct().Count());
    }

    public async ValueTask InitializeAsync()
    {
        _agent = await AgentUnderTest.CreateAsync();
        _agent.Enrolled();
        _agent.Identity.Use(new WorkloadPolicy { Version = 1, DefaultPolicy = DefaultPolicy.Deny });
        _agent.Host.On<ReportRequest>("Report", request =>
        {
            if (Interlocked.Decrement(ref _failures) >= 0)
            {
                throw new OperationCanceledException();
            }

            _reports.Enqueue(request);
            return new ReportResponse();
        });
        _ = _agent.RunReporter(TimeSpan.FromSeconds(1));
    }

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    private async Task ReportedAsync(int count) => await Eventually.ThatAsync(
        () =>
        {
            _agent.Clock.Advance(TimeSpan.FromSeconds(1));
            return _reports.Count;
        },
        reports => reports == count,
        $"{count} reports");

    private static Edge Message(ulong opened, ulong open, ulong sent, ulong received, ulong refused) => new()
    {
        Kind = Key.Kind, Direction = Key.Direction, PeerId = Key.PeerId, Service = Key.Service, Port = 8080, Tls = "true", Protocol = Key.Protocol,
        ConnectionsOpened = opened, ConnectionsOpen = open, BytesSent = sent, BytesReceived = received, ConnectionsRefused = refused,
    };
}
