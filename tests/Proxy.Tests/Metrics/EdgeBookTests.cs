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
    public void A_scan_of_ports_takes_no_place_from_who_is_known()
    {
        for (var port = 1; port <= ushort.MaxValue; port++)
        {
            _book.Refused(Unknown(port));
            _book.For(Unknown(port) with { Tls = "opaque" }).Opened();
        }

        for (var i = 0; i < EdgeBook.MaxEdges; i++)
        {
            _book.For(Key($"peer-{i}")).Opened();
        }

        var edges = _book.Snapshot().ToList();
        Assert.Equal(EdgeBook.MaxEdges, edges.Count(edge => edge.Key.PeerId.Length > 0));
        // And those without number are one each: refused, and carried.
        Assert.Equal(EdgeBook.MaxEdges + EdgeBook.MaxPorts + EdgeBook.MaxRefused + 2, edges.Count);
        Assert.Equal(ushort.MaxValue - EdgeBook.MaxRefused, edges.Single(edge => edge.Key is { Port: 0, Tls: "no_identity" }).Now.Refused);
        Assert.Equal(ushort.MaxValue - EdgeBook.MaxPorts, edges.Single(edge => edge.Key is { Port: 0, Tls: "opaque" }).Now.Opened);
    }

    [Fact]
    public void A_port_that_answers_has_its_own_edge_however_many_have_refused_before()
    {
        for (var port = 1; port <= ushort.MaxValue; port++)
        {
            _book.Refused(Unknown(port));
            // Somebody of the mesh who tries one port after the other.
            _book.Refused(Key("peer") with { Port = port });
        }

        _book.For(Unknown(40_443)).Opened();
        _book.For(Key("peer") with { Port = 40_080 }).Opened();

        Assert.Equal(1, _book.Snapshot().Single(edge => edge.Key == Unknown(40_443)).Now.Opened);
        Assert.Equal(1, _book.Snapshot().Single(edge => edge.Key is { PeerId: "peer", Port: 40_080 }).Now.Opened);
        Assert.InRange(_book.Snapshot().Count(), EdgeBook.MaxRefused, EdgeBook.MaxRefused + 4);
    }

    [Fact]
    public void A_refused_connection_to_a_service_keeps_the_service()
    {
        for (var port = 1; port <= 2 * EdgeBook.MaxRefused; port++)
        {
            _book.Refused(Unknown(port));
        }

        _book.Refused(Service);

        Assert.Equal(1, _book.Snapshot().Single(edge => edge.Key.Service.Length > 0).Now.Refused);
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

    private static EdgeKey Service => new(EdgeKind.Application, Direction.Outbound, "peer", "web.shop:80", 80, "true", "", "TLSv1.3");

    private static EdgeKey Unknown(int port) =>
        new(EdgeKind.Application, Direction.Outbound, "", "", port, "no_identity", "not_provided_by_service_discovery", "TCP");

    private static EdgeKey Opaque(string serverName) =>
        new(EdgeKind.Ingress, Direction.Inbound, "", "", 80, "opaque", "no_tls_from_remote", "TLS", serverName);

    private static EdgeKey Key(string peer) => new(EdgeKind.Application, Direction.Inbound, peer, "", 80, "true", "", "TLSv1.3");
}
