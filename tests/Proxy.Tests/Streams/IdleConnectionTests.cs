using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Streams;
using Mesh.Proxy.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Streams;

/// <summary>Connections that are kept for the next stream hold up neither a stop nor others, and are found out where nobody answers any more.</summary>
public sealed class IdleConnectionTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestApplication _application = TestApplication.Echo();
    private readonly TestProxy _web;
    private readonly TestProxy _voting;
    private Wire? _wire;

    public IdleConnectionTests()
    {
        var bundles = new TestBundles(_east);
        _web = new TestProxy(_east, bundles, loops: 1, connectTimeout: TimeSpan.FromMilliseconds(300)).MakeReady(_east.Credential(_east.Web));
        _voting = new TestProxy(_east, bundles, loops: 1).MakeReady(_east.Credential(VotingId));
    }

    private SpiffeId VotingId => SpiffeId.ForWorkload(_east.Name, "shop", "voting");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_of_either_side_closes_them_at_once(bool byClient)
    {
        var address = Connect();
        await EchoClient.EchoAsync(address);
        await Eventually.EqualAsync(0, () => _voting.Open);
        Assert.Equal(1, _wire!.Open);
        var began = TimeProvider.System.GetTimestamp();

        (byClient ? _web : _voting).CloseIdle();

        await Eventually.EqualAsync(0, () => _wire.Open);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, Soon);
    }

    [Fact]
    public async Task At_the_limit_they_make_room_for_newcomers()
    {
        var address = _voting.ListenInbound(_application.Address, maxConnections: 2);
        await using var one = await IdleAsync(address);
        await using var two = await IdleAsync(address);
        // By then either may have to go.
        await Task.Delay(TimeSpan.FromSeconds(1.2), TestContext.Current.CancellationToken);
        var began = TimeProvider.System.GetTimestamp();

        await using var newcomer = await IdleAsync(address);

        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, Soon);
        // The one that came first.
        Assert.Null(await one.HearAsync());
        await two.SayAsync(FrameType.Open, 0, 0);
        Assert.Equal(FrameType.Accept, (await two.HearAsync())?.Type);
    }

    [Fact]
    public async Task Where_one_is_silent_the_others_to_that_address_go_with_it_and_a_new_one_serves()
    {
        var address = Connect();
        // Three at once, so that three are kept.
        var clients = Enumerable.Range(0, 3).Select(_ => TestApplication.Connect(address)).ToList();
        foreach (var client in clients)
        {
            await EchoClient.SayAsync(client);
        }

        foreach (var client in clients)
        {
            await EchoClient.EndAsync(client);
            client.Dispose();
        }

        await Eventually.EqualAsync(3L, () => _web.Edge.Now.Closed);
        Assert.Equal(3, _wire!.Accepted);
        _wire.Silence();

        await EchoClient.EchoAsync(address);

        Assert.Equal(1, _wire.AskedInSilence);
        Assert.Equal(4, _wire.Accepted);
        Assert.Empty(_web.Refusals.Snapshot());
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _voting.DisposeAsync();
        await _application.DisposeAsync();
        await (_wire?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private IPEndPoint Connect()
    {
        _wire = new Wire(_voting.ListenInbound(_application.Address));
        return _web.ListenOutbound((_wire.Address, VotingId));
    }

    // A connection that has carried a stream to its end.
    private async Task<StreamPeer> IdleAsync(IPEndPoint address)
    {
        var peer = await StreamPeer.ConnectAsync(address, _east.Credential(_east.Web), VotingId.DnsName);
        await peer.SayAsync(FrameType.Open, 0, 0);
        Assert.Equal(FrameType.Accept, (await peer.HearAsync())?.Type);
        await peer.SayAsync(FrameType.End);
        Assert.Equal(FrameType.End, (await peer.HearAsync())?.Type);
        return peer;
    }

    /// <summary>The wire between two proxies, on which what is connected can fall silent.</summary>
    private sealed class Wire : IAsyncDisposable
    {
        private readonly TestApplication _listener;
        private int _numbers;
        private int _open;
        private int _askedInSilence;
        private volatile int _silentUpTo;

        public Wire(IPEndPoint server) => _listener = new TestApplication(async client =>
        {
            var number = Interlocked.Increment(ref _numbers);
            Interlocked.Increment(ref _open);
            try
            {
                using var onward = TestApplication.Connect(server);
                await Task.WhenAny(PassAsync(client, onward, number, () => Interlocked.Increment(ref _askedInSilence)), PassAsync(onward, client, number, () => { }));
            }
            finally
            {
                Interlocked.Decrement(ref _open);
            }
        });

        public IPEndPoint Address => _listener.Address;

        public int Accepted => _listener.Accepted;

        public int Open => Volatile.Read(ref _open);

        /// <summary>What the proxy that connects has sent, as reads, to connections that had fallen silent.</summary>
        public int AskedInSilence => Volatile.Read(ref _askedInSilence);

        /// <summary>Those that are connected say nothing more, and do not end either.</summary>
        public void Silence() => _silentUpTo = Accepted;

        public ValueTask DisposeAsync() => _listener.DisposeAsync();

        private async Task PassAsync(Socket from, Socket to, int number, Action lost)
        {
            var buffer = new byte[16 * 1024];
            while (await from.ReceiveAsync(buffer, SocketFlags.None) is var read and > 0)
            {
                if (number > _silentUpTo)
                {
                    await TestApplication.SendAsync(to, buffer.AsMemory(0, read));
                }
                else
                {
                    lost();
                }
            }
        }
    }
}
