using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Streams;

/// <summary>One handshake for many connections of the application, and never for longer than it may last.</summary>
public sealed class StreamReuseTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new();
    private readonly TestApplication _application = TestApplication.Echo();
    private CountingWire? _wire;

    [Fact]
    public async Task Connections_one_after_the_other_share_a_handshake()
    {
        var (address, wire) = Connect();
        for (var i = 0; i < 50; i++)
        {
            await EchoClient.EchoAsync(address);
        }

        // Each event loop has connections of its own.
        Assert.InRange(wire.Accepted, 1, 2);
        Assert.Equal(50, _application.Accepted);
        await Eventually.EqualAsync((50L, 50L), () => (_pair.Web.Edge.Now.Closed, _pair.Voting.Edge.Now.Closed));
        Assert.Equal((0L, 0L), (_pair.Web.Edge.Now.Failed, _pair.Voting.Edge.Now.Failed));
        Assert.Equal(0, _pair.Web.Open + _pair.Voting.Open);
    }

    [Fact]
    public async Task Connections_at_once_do_not()
    {
        var (address, wire) = Connect();
        var clients = Enumerable.Range(0, 6).Select(_ => TestApplication.Connect(address)).ToList();
        foreach (var client in clients)
        {
            await EchoClient.SayAsync(client);
        }

        Assert.Equal(6, wire.Accepted);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Where_the_other_side_has_closed_a_kept_connection_the_next_one_is_new()
    {
        var (address, wire) = Connect();
        await EchoClient.EchoAsync(address);
        wire.CutAll();

        await EchoClient.EchoAsync(address);

        Assert.Empty(_pair.Web.Refusals.Snapshot());
    }

    [Fact]
    public async Task A_new_certificate_begins_anew()
    {
        var (address, wire) = Connect();
        await EchoManyAsync(address);
        var before = wire.Accepted;

        _pair.Web.Identity.Use(_pair.East.Credential(_pair.East.Web));
        await EchoManyAsync(address);

        Assert.InRange(wire.Accepted, before + 1, before + 2);
    }

    [Fact]
    public async Task A_server_that_was_banned_meanwhile_hears_nothing_more()
    {
        var (address, _) = Connect();
        await EchoManyAsync(address);
        var before = _application.Accepted;

        _pair.Web.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.VotingId, TestTrustDomain.Now)] });

        Assert.False((await Reception.OfAsync(address, "hello"u8.ToArray())).EndedCleanly);
        Assert.Equal(before, _application.Accepted);
        Assert.Equal(1, _pair.Web.Refused("outbound", nameof(SvidRejection.Banned)));
    }

    [Fact]
    public async Task A_connection_that_was_aborted_is_not_used_again()
    {
        var (address, wire) = Connect();
        using (var client = TestApplication.Connect(address))
        {
            await EchoClient.SayAsync(client);
            client.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        await Eventually.EqualAsync((1L, 1L), () => (_pair.Web.Edge.Now.Failed, _pair.Voting.Edge.Now.Failed));
        await EchoClient.EchoAsync(address);

        Assert.Equal(2, wire.Accepted);
    }

    [Fact]
    public async Task An_application_that_is_not_there_is_an_error_with_its_reason_on_both_sides()
    {
        var gone = TestApplication.Echo();
        await gone.DisposeAsync();

        Assert.False((await Reception.OfAsync(_pair.Connect(gone.Address), "hello"u8.ToArray())).EndedCleanly);

        await _pair.Web.Log.SaysAsync(5801, ": connect: ", "the application behind");
        await Eventually.EqualAsync((1L, 1L), () => (_pair.Web.Refused("outbound", "connect"), _pair.Voting.Refused("inbound", "connect")));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _application.DisposeAsync();
        await (_wire?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private (IPEndPoint Address, CountingWire Wire) Connect()
    {
        var address = _pair.Connect(_application.Address, server => (_wire = new CountingWire(server)).Address);
        return (address, _wire!);
    }

    // More than enough for each event loop to have a connection of its own.
    private static async Task EchoManyAsync(IPEndPoint address)
    {
        for (var i = 0; i < 20; i++)
        {
            await EchoClient.EchoAsync(address);
        }
    }

    /// <summary>The wire between two proxies: counts what passes, and can be cut.</summary>
    private sealed class CountingWire : IAsyncDisposable
    {
        private readonly TestApplication _listener;
        private readonly List<Socket> _sockets = [];

        public CountingWire(IPEndPoint server) => _listener = new TestApplication(async client =>
        {
            using var onward = TestApplication.Connect(server);
            lock (_sockets)
            {
                _sockets.AddRange([client, onward]);
            }

            using var there = new NetworkStream(onward);
            using var here = new NetworkStream(client);
            await Task.WhenAny(here.CopyToAsync(there), there.CopyToAsync(here));
        });

        public IPEndPoint Address => _listener.Address;

        public int Accepted => _listener.Accepted;

        public ValueTask DisposeAsync() => _listener.DisposeAsync();

        public void CutAll()
        {
            lock (_sockets)
            {
                _sockets.ForEach(socket => socket.Dispose());
            }
        }
    }
}
