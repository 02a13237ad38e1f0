using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Mesh.Spiffe;

namespace Mesh.Bench.Support.Wire;

/// <summary>
/// HTTP/2 over mutual TLS for one call at a time, no more of it than a ProxyHost's answers need: the client of a measurement shares its
/// machine with what is measured, and shall take as little of it as can be.
/// </summary>
internal sealed class WireConnection : IAsyncDisposable
{
    private const int FrameHead = 9;
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte Ping = 6;
    private const byte GoAway = 7;
    private const byte EndStream = 1;
    private const byte Acknowledged = 1;

    // The preface, settings that give every stream the largest window, and the largest window for the connection: nobody has to
    // count what was received (RFC 9113 §§3.4, 6.5.2, 6.9).
    private static readonly byte[] Greeting =
    [
        .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8,
        0, 0, 6, Settings, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff,
        0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xfe, 0xff, 0xff,
    ];

    private static readonly byte[] SettingsAcknowledged = [0, 0, 0, Settings, Acknowledged, 0, 0, 0, 0];

    private readonly SslStream _tls;
    private byte[] _buffer = new byte[4096];
    private int _from;
    private int _to;
    private int _streamId = -1;

    private WireConnection(SslStream tls) => _tls = tls;

    /// <param name="credential">What it shows; null for enrollment.</param>
    /// <param name="source">The loopback address that it comes from; null: any.</param>
    public static async Task<WireConnection> OpenAsync(Uri proxyHost, SvidCredential? credential, IPAddress? source = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? tls = null;
        try
        {
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

            await socket.ConnectAsync(IPAddress.Parse(proxyHost.Host), proxyHost.Port);
            tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            // Whom it talks to is not what is measured.
            await tls.AuthenticateAsClientAsync(SvidTls.Client(
                credential, "mesh", _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [SslApplicationProtocol.Http2]));
            await tls.WriteAsync(Greeting);
            return new WireConnection(tls);
        }
        catch
        {
            await (tls?.DisposeAsync() ?? ValueTask.CompletedTask);
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Calls and takes the one message of the answer; good until the next call.</summary>
    /// <exception cref="WireRefusedException">The answer holds no message.</exception>
    /// <exception cref="IOException">The connection has ended.</exception>
    public async Task<ReadOnlyMemory<byte>> CallAsync(WireCall call)
    {
        await StartAsync(call);
        var answer = await ReadAsync(untilEnd: true);
        return answer ?? throw new IOException("The answer has no end.");
    }

    /// <summary>Sends a call whose answers <see cref="NextAsync"/> takes.</summary>
    public ValueTask StartAsync(WireCall call) => _tls.WriteAsync(call.OnStream(_streamId += 2));

    /// <summary>The next message of a stream; good until the next one.</summary>
    public async Task<ReadOnlyMemory<byte>> NextAsync() =>
        await ReadAsync(untilEnd: false) ?? throw new IOException("The ProxyHost ended the stream.");

    public async ValueTask DisposeAsync() => await _tls.DisposeAsync();

    private async Task<ReadOnlyMemory<byte>?> ReadAsync(bool untilEnd)
    {
        byte[] message = [];
        while (true)
        {
            await FillAsync(FrameHead);
            var length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_from)) >>> 8;
            var (type, flags) = (_buffer[_from + 3], _buffer[_from + 4]);
            await FillAsync(FrameHead + length);
            var payload = _buffer.AsMemory(_from + FrameHead, length);
            _from += FrameHead + length;
            switch (type)
            {
                case Data:
                    message = message.Length == 0 ? payload.ToArray() : [.. message, .. payload.Span];
                    if (!untilEnd && IsWhole(message))
                    {
                        return message.AsMemory(5);
                    }

                    break;
                case Headers when (flags & EndStream) != 0:
                    return IsWhole(message) ? message.AsMemory(5) : throw new WireRefusedException(Readable(payload.Span));
                case Settings when (flags & Acknowledged) == 0:
                    await _tls.WriteAsync(SettingsAcknowledged);
                    break;
                case Ping when (flags & Acknowledged) == 0:
                    await _tls.WriteAsync((byte[])[0, 0, 8, Ping, Acknowledged, 0, 0, 0, 0, .. payload.Span]);
                    break;
                case Reset or GoAway:
                    throw new IOException($"The ProxyHost ended the {(type == Reset ? "stream" : "connection")}.");
            }
        }
    }

    private static bool IsWhole(byte[] message) => message.Length >= 5 && message.Length - 5 == BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(1));

    private static string Readable(ReadOnlySpan<byte> headers) => string.Concat(headers.ToArray().Select(b => b is >= 0x20 and < 0x7f ? (char)b : ' '));

    private async ValueTask FillAsync(int bytes)
    {
        if (_buffer.Length - _from < bytes)
        {
            var larger = bytes > _buffer.Length ? new byte[bytes * 2] : _buffer;
            Buffer.BlockCopy(_buffer, _from, larger, 0, _to - _from);
            (_buffer, _from, _to) = (larger, 0, _to - _from);
        }

        while (_to - _from < bytes)
        {
            var read = await _tls.ReadAsync(_buffer.AsMemory(_to));
            _to += read > 0 ? read : throw new IOException("The ProxyHost ended the connection.");
        }
    }
}

/// <summary>A call that was answered without a message. The text has what the headers say, as far as it can be read.</summary>
internal sealed class WireRefusedException(string headers) : Exception($"The call was refused: {headers}");
