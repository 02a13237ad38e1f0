using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Native;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>
/// What a peer that has shown a good certificate may say below the application. KeyUpdates (RFC 8446 §4.6.3) cost whoever reads them a key
/// schedule each: no peer makes a loop read them for ever.
/// </summary>
public sealed partial class HostileRecordTests : IAsyncLifetime
{
    private const int NotRequested = 0;

    // Of 27 bytes each: several times what anybody puts up with.
    private const int Flood = 40_000;

    private readonly ProxyPair _pair = new();
    private readonly TestApplication _application = TestApplication.Echo();
    private readonly EventLoop _loop = new(0);

    [Fact]
    public async Task A_peer_that_updates_its_keys_and_says_nothing_else_is_cut_off()
    {
        var sent = await RunAsync(async tls =>
        {
            var count = 0;
            while (count < Flood && await UpdateAsync(tls))
            {
                count++;
            }

            return count;
        });

        Assert.InRange(sent, 1, Flood - 1);
        await Eventually.EqualAsync(0, () => _pair.Voting.Open);
    }

    [Fact]
    public async Task A_peer_that_updates_its_keys_now_and_then_is_served()
    {
        var echoed = await RunAsync(async tls =>
        {
            var buffer = new byte[16];
            for (var round = 0; round < 300; round++)
            {
                for (var i = 0; i < 30; i++)
                {
                    Assert.True(await UpdateAsync(tls));
                }

                Assert.True(tls.Write("hello"u8));
                int read;
                while ((read = tls.Read(buffer)) == LoopSocket.WouldBlock && await tls.Socket.ReadableAsync())
                {
                }

                Assert.Equal(5, read);
            }

            return 1;
        });

        Assert.Equal(1, echoed);
    }

    [Theory]
    // Longer than a record may be (RFC 8446 §5.2).
    [InlineData(new byte[] { 23, 3, 3, 0x41, 0x01 })]
    [InlineData(new byte[] { 23, 3, 3, 0xff, 0xff })]
    // Of no type that there is; not encrypted; encrypted by nobody.
    [InlineData(new byte[] { 99, 3, 3, 0, 1, 0 })]
    [InlineData(new byte[] { 21, 3, 3, 0, 2, 1, 0 })]
    [InlineData(new byte[] { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 })]
    public async Task A_record_that_may_not_come_ends_the_connection(byte[] record)
    {
        var outcome = await RunAsync(async tls =>
        {
            Assert.True(tls.Write("hello"u8));
            var buffer = new byte[16];
            int read;
            while ((read = tls.Read(buffer)) == LoopSocket.WouldBlock && await tls.Socket.ReadableAsync())
            {
            }

            Assert.Equal(5, read);
            Assert.Equal(record.Length, tls.Socket.Send(record));
            while ((read = tls.Read(buffer)) == LoopSocket.WouldBlock && await tls.Socket.ReadableAsync())
            {
            }

            return read;
        });

        Assert.Equal(LoopSocket.Failed, outcome);
        await Eventually.EqualAsync(0, () => _pair.Voting.Open);
        Assert.Equal(1, _pair.Voting.Edge.Now.Failed);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _loop.Dispose();
        await _pair.DisposeAsync();
        await _application.DisposeAsync();
    }

    private Task<int> RunAsync(Func<TlsConnection, ValueTask<int>> action)
    {
        var address = _pair.Voting.ListenInbound(_application.Address);
        return LoopConnection.RunAsync(_loop, async () =>
        {
            using var context = new TlsContext(_pair.East.Credential(_pair.East.Web), MeshProtocol.WithoutStreams);
            var socket = LoopSocket.Connect(_loop, address, null, out _)!;
            Assert.True(await socket.ConnectedAsync());
            using var tls = TlsConnection.Client(
                socket, context, _pair.VotingId.DnsName, _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue));
            Assert.True(await tls.HandshakeAsync());
            socket.Limit(TimeSpan.FromSeconds(20));
            return await action(tls);
        });
    }

    // False: the other side has had enough.
    private static async ValueTask<bool> UpdateAsync(TlsConnection tls)
    {
        Assert.Equal(1, KeyUpdate(Ssl(tls), NotRequested));
        if (!await tls.HandshakeAsync())
        {
            return false;
        }

        while (tls.HasKept)
        {
            if (!await tls.Socket.WritableAsync() || !tls.Flush())
            {
                return false;
            }
        }

        return true;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_ssl")]
    private static extern ref SslHandle Ssl(TlsConnection connection);

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_key_update")]
    private static partial int KeyUpdate(SslHandle ssl, int type);
}
