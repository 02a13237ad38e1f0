using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>HTTP/2 frame by frame over TLS (RFC 9113), for what no client library can be made to do.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Reset = 3;
    public const byte Settings = 4;
    public const byte GoAway = 7;

    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private readonly SslStream _tls;
    private readonly string _authority;

    private RawHttp2(SslStream tls, string authority) => (_tls, _authority) = (tls, authority);

    /// <summary>Connects and sends the preface.</summary>
    /// <param name="window">How many bytes the server may send on a stream; null: 65,535.</param>
    public static async Task<RawHttp2> ConnectAsync(Uri server, SvidCredential? credential, IPAddress? from = null, int? window = null)
    {
        var socket = await Sockets.ConnectAsync(server, from);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await tls.AuthenticateAsClientAsync(
                SvidTls.Client(
                    credential, "mesh", _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [SslApplicationProtocol.Http2]),
                limit.Token);
            await tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
            var raw = new RawHttp2(tls, $"{server.Host}:{server.Port}");
            byte[] settings = [];
            if (window is { } bytes)
            {
                // SETTINGS_INITIAL_WINDOW_SIZE.
                settings = [0, 4, 0, 0, 0, 0];
                BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(2), bytes);
            }

            await raw.SendAsync(Frame(Settings, 0, 0, settings));
            return raw;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    /// <summary>The headers of a gRPC call. Without an end, the server waits for their continuation.</summary>
    public byte[] Call(int stream, string path, bool isComplete = true, string? authority = null)
    {
        List<byte> block = [];
        foreach (var (name, value) in new[]
        {
            (":method", "POST"), (":scheme", "https"), (":path", path), (":authority", authority ?? _authority),
            ("content-type", "application/grpc"), ("te", "trailers"),
        })
        {
            // A literal without indexing, its name too, neither in Huffman code (RFC 7541 §6.2.2).
            block.AddRange([0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        }

        return Frame(Headers, isComplete ? EndHeaders : (byte)0, stream, [.. block]);
    }

    /// <summary>One message of a call, and the end of what the client says.</summary>
    public static byte[] Message(int stream, ReadOnlySpan<byte> message)
    {
        byte[] body = [0, 0, 0, 0, 0, .. message];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        return Frame(Data, EndStream, stream, body);
    }

    public static byte[] Cancel(int stream) => Frame(Reset, 0, stream, [0, 0, 0, 8]);

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        byte[] frame = [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, 0, .. payload];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        return frame;
    }

    public async Task SendAsync(params IEnumerable<byte[]> frames) => await _tls.WriteAsync(frames.SelectMany(frame => frame).ToArray());

    /// <summary>Reads whatever comes until the server ends the connection.</summary>
    /// <returns>How long that took; null where it had not ended within the limit.</returns>
    public async Task<TimeSpan?> EndedAsync(TimeSpan limit)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var timeout = new CancellationTokenSource(limit);
        var buffer = new byte[16 * 1024];
        try
        {
            while (await _tls.ReadAsync(buffer, timeout.Token) > 0)
            {
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (IOException)
        {
            // Ended without a word.
        }

        return TimeProvider.System.GetElapsedTime(started);
    }

    public ValueTask DisposeAsync() => _tls.DisposeAsync();
}
