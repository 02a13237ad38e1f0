using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Outbound;

/// <summary>Where discovery names no identity, connections pass as they are; what an application begins them with says what they are counted as.</summary>
public sealed class PlainOutboundTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new();
    private readonly TestApplication _echo = TestApplication.Echo();

    [Fact]
    public async Task TLS_of_the_applications_own_is_opaque_with_the_name_that_it_asks_for()
    {
        var hello = await ClientHellos.CaptureAsync("shop.example.com");

        Assert.Equal(hello, await EchoAsync(hello));

        AssertCounted("opaque", "TLS", "shop.example.com");
    }

    [Fact]
    public async Task A_ClientHello_in_pieces_is_recognised_too()
    {
        var hello = await ClientHellos.CaptureAsync("shop.example.com");

        Assert.Equal(hello, await EchoAsync(hello[..1], hello[1..100], hello[100..]));

        AssertCounted("opaque", "TLS", "shop.example.com");
    }

    [Fact]
    public async Task Half_a_ClientHello_is_held_back_for_a_moment_and_no_longer()
    {
        var hello = await ClientHellos.CaptureAsync("shop.example.com");
        using var client = Connect();
        await TestApplication.SendAsync(client, hello.AsMemory(0, 100));
        var received = new byte[100];

        for (var at = 0; at < received.Length;)
        {
            at += await client.ReceiveAsync(received.AsMemory(at), TestContext.Current.CancellationToken);
        }

        Assert.Equal(hello[..100], received);
        AssertCounted("no_identity", "TCP", "");
    }

    [Fact]
    public async Task Anything_else_has_no_identity()
    {
        Assert.Equal("hello"u8.ToArray(), await EchoAsync("hello"u8.ToArray()));

        AssertCounted("no_identity", "TCP", "");
    }

    [Fact]
    public async Task A_server_that_speaks_first_is_heard_at_once_and_as_often_as_it_speaks()
    {
        var began = TimeProvider.System.GetTimestamp();
        await using var server = new TestApplication(async socket =>
        {
            await TestApplication.SendAsync(socket, "220 ready\r\n"u8.ToArray());
            await Reception.ReadAsync(socket);
        });
        var address = _pair.Web.ListenOutbound((server.Address, null));

        // With a look of 200 ms for each, twenty would take four seconds.
        for (var i = 0; i < 20; i++)
        {
            using var client = TestApplication.Connect(address);
            Assert.Equal(11, await client.ReceiveAsync(new byte[64], TestContext.Current.CancellationToken));
        }

        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        AssertCounted("no_identity", "TCP", "", connections: 20);
    }

    [Fact]
    public async Task A_connection_on_which_nobody_speaks_is_counted_soon_and_carried_later()
    {
        using var client = Connect();
        await Eventually.EqualAsync(1, () => _pair.Web.Edges.Snapshot().Count());
        AssertCounted("no_identity", "TCP", "");

        await TestApplication.SendAsync(client, "late"u8.ToArray());

        Assert.Equal(4, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_client_that_ends_before_it_says_anything_hears_the_servers_end()
    {
        using var client = Connect();
        client.Shutdown(SocketShutdown.Send);

        Assert.True((await Reception.ReadAsync(client)).EndedCleanly);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _echo.DisposeAsync();
    }

    private Socket Connect() => TestApplication.Connect(_pair.Web.ListenOutbound((_echo.Address, null)));

    private async Task<byte[]> EchoAsync(params byte[][] pieces)
    {
        using var client = Connect();
        foreach (var piece in pieces)
        {
            await TestApplication.SendAsync(client, piece);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        client.Shutdown(SocketShutdown.Send);
        return (await Reception.ReadAsync(client)).Bytes;
    }

    private void AssertCounted(string tls, string protocol, string serverName, int connections = 1)
    {
        var (key, now) = _pair.Web.Edge;
        Assert.Equal(
            (EdgeKind.Application, tls, "not_provided_by_service_discovery", protocol, serverName),
            (key.Kind, key.Tls, key.NoTlsReason, key.Protocol, key.ServerName));
        Assert.Equal(connections, now.Opened);
    }
}
