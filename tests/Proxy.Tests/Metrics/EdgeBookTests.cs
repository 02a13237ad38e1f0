using Mesh.Proxy.Metrics;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Metrics;

public sealed class EdgeBookTests
{
    private readonly EdgeBook _book = new();

    [Fact]
    public void Connections_of_one_edge_add_up()
    {
        for (var i = 0; i < 3; i++)
        {
            var edge = _book.For(Key("a"));
            edge.Opened();
            edge.FromOpener(10);
            edge.ToOpener(20);
        }

        _book.For(Key("a")).Closed(cleanly: true);
        _book.For(Key("a")).Closed(cleanly: false);
        _book.For(Key("a")).Refused();

        var (_, now) = Assert.Single(_book.Snapshot());
        Assert.Equal(new EdgeSnapshot(Opened: 3, Open: 1, Closed: 2, Failed: 1, Refused: 1, FromOpener: 30, ToOpener: 60), now);
    }

    [Fact]
    public void Strangers_do_not_fill_it_with_names()
    {
        for (var i = 0; i < 3 * EdgeBook.MaxEdges; i++)
        {
            _book.For(Key($"peer-{i}")).Opened();
        }

        var edges = _book.Snapshot().ToList();
        Assert.Equal(EdgeBook.MaxEdges + 1, edges.Count);
        Assert.Equal(2 * EdgeBook.MaxEdges, edges.Single(edge => edge.Key.PeerId.Length == 0).Now.Opened);
    }

    [Fact]
    public void Names_that_anybody_may_ask_for_take_a_small_part_of_it()
    {
        for (var i = 0; i < 3 * EdgeBook.MaxServerNames; i++)
        {
            _book.For(Opaque($"{i}.example.com")).Opened();
        }

        _book.For(Opaque("7.example.com")).Opened();
        _book.For(Key("peer")).Opened();

        var edges = _book.Snapshot().ToList();
        Assert.Equal(EdgeBook.MaxServerNames + 2, edges.Count);
        Assert.Equal(2 * EdgeBook.MaxServerNames, edges.Single(edge => edge.Key is { Tls: "opaque", ServerName: "" }).Now.Opened);
        Assert.Equal(2, edges.Single(edge => edge.Key.ServerName == "7.example.com").Now.Opened);
        Assert.Equal(1, edges.Single(edge => edge.Key.PeerId == "peer").Now.Opened);
    }

    [Fact]
    public void A_full_one_takes_no_further_name_asked_for()
    {
        for (var i = 0; i < EdgeBook.MaxEdges; i++)
        {
            _book.For(Key($"peer-{i}")).Opened();
        }

        _book.For(Opaque("a.example.com")).Opened();
        _book.For(Opaque("b.example.com")).Opened();

        Assert.Equal(2, _book.Snapshot().Single(edge => edge.Key.Tls == "opaque").Now.Opened);
    }

    [Fact]
    public void Who_was_there_before_it_was_full_keeps_its_name()
    {
        for (var i = 0; i < EdgeBook.MaxEdges + 1; i++)
        {
            _book.For(Key($"peer-{i}")).Opened();
        }

        _book.For(Key("peer-7")).Opened();

        Assert.Equal(2, _book.Snapshot().Single(edge => edge.Key.PeerId == "peer-7").Now.Opened);
    }

    private static EdgeKey Opaque(string serverName) =>
        new(EdgeKind.Ingress, Direction.Inbound, "", "", 80, "opaque", "no_tls_from_remote", "TLS", serverName);

    private static EdgeKey Key(string peer) => new(EdgeKind.Application, Direction.Inbound, peer, "", 80, "true", "", "TLSv1.3");
}
