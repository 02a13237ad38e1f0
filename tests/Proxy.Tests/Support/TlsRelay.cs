using System.Net;
using System.Net.Sockets;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Which way bytes go between two proxies.</summary>
public enum Way
{
    ToServer,
    ToClient,
}

/// <summary>A TLS record on its way.</summary>
/// <param name="Way">Where it goes.</param>
/// <param name="Index">How many went there before.</param>
/// <param name="BulkIndex">How many of at least 4 KiB went there before; -1 where this is a smaller one.</param>
/// <param name="IsLast">The connection ends after it.</param>
/// <param name="Bytes">Header and content.</param>
internal sealed record TlsRecord(Way Way, int Index, int BulkIndex, bool IsLast, byte[] Bytes)
{
    public byte[] Flip(int at)
    {
        byte[] flipped = [.. Bytes];
        // The last bit: a type, a version or a length that is wrong by the least.
        flipped[at < 0 ? flipped.Length + at : at] ^= 1;
        return flipped;
    }
}

/// <summary>Whoever holds the wire between two proxies: sees records, and may change, drop, repeat or swap them.</summary>
internal sealed class TlsRelay : IAsyncDisposable
{
    private const int HeaderBytes = 5;
    private const int BulkBytes = 4 * 1024;

    private readonly TestApplication _listener;
    private readonly IPEndPoint _server;
    private readonly Func<TlsRecord, byte[]?> _change;
    private int _changed;

    /// <param name="server">The proxy that is the server.</param>
    /// <param name="change">What becomes of each record; null: everything ends here with FIN, without a word from TLS.</param>
    public TlsRelay(IPEndPoint server, Func<TlsRecord, byte[]?> change)
    {
        (_server, _change) = (server, change);
        _listener = new TestApplication(ServeAsync);
    }

    public IPEndPoint Address => _listener.Address;

    /// <summary>How many records it did not pass as they were: 0 means that a test has tested nothing.</summary>
    public int Changed => Volatile.Read(ref _changed);

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task ServeAsync(Socket client)
    {
        using var server = TestApplication.Connect(_server);
        using var clientStream = new NetworkStream(client);
        using var serverStream = new NetworkStream(server);
        await Task.WhenAll(PassAsync(Way.ToServer, clientStream, server), PassAsync(Way.ToClient, serverStream, client));
    }

    private async Task PassAsync(Way way, NetworkStream from, Socket to)
    {
        try
        {
            await PassRecordsAsync(way, from, to);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // One side has cut the connection; so that the other hears of it, it is cut there too.
            to.LingerState = new LingerOption(true, 0);
            to.Dispose();
        }
    }

    private async Task PassRecordsAsync(Way way, NetworkStream from, Socket to)
    {
        var (index, bulk) = (0, 0);
        var next = await ReadAsync(from);
        while (next is { } bytes)
        {
            // The client's last record is known by looking for one more, which a handshake must not wait for.
            var looksAhead = way == Way.ToServer && bulk > 0;
            next = looksAhead ? await ReadAsync(from) : null;
            var record = new TlsRecord(way, index++, bytes.Length >= BulkBytes ? bulk++ : -1, looksAhead && next is null, bytes);
            var changed = _change(record);
            if (changed is null || !changed.AsSpan().SequenceEqual(bytes))
            {
                Interlocked.Increment(ref _changed);
            }

            if (changed is null)
            {
                break;
            }

            await TestApplication.SendAsync(to, changed);
            next = looksAhead ? next : await ReadAsync(from);
        }

        to.Shutdown(SocketShutdown.Send);
    }

    // Null at the end. What is no record any more, since it was cut, is passed as it is.
    private static async Task<byte[]?> ReadAsync(NetworkStream from)
    {
        var header = new byte[HeaderBytes];
        var count = await from.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false);
        if (count < HeaderBytes)
        {
            return count == 0 ? null : header[..count];
        }

        var content = new byte[(header[3] << 8) | header[4]];
        var read = await from.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false);
        return [.. header, .. content.AsSpan(0, read)];
    }
}
