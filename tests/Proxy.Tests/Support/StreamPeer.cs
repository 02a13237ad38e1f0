using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Mesh.Proxy.Streams;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A peer with a good certificate that writes whatever frames a test gives it.</summary>
internal sealed class StreamPeer : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly SslStream _tls;

    private StreamPeer(Socket socket, SslStream tls) => (_socket, _tls) = (socket, tls);

    public static async Task<StreamPeer> ConnectAsync(IPEndPoint address, SvidCredential shown, string sni)
    {
        var socket = TestApplication.Connect(address);
        var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(SvidTls.Client(
            shown, sni, _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [MeshProtocol.Streams]));
        Assert.Equal(MeshProtocol.Streams, tls.NegotiatedApplicationProtocol);
        return new StreamPeer(socket, tls);
    }

    public async Task SayAsync(FrameType type, params byte[] content)
    {
        var frame = new byte[FrameHeader.Bytes + content.Length];
        new FrameHeader(type, content.Length).Write(frame);
        content.CopyTo(frame, FrameHeader.Bytes);
        await SayAsync(frame);
    }

    public async Task SayAsync(byte[] bytes)
    {
        try
        {
            await _tls.WriteAsync(bytes, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // The proxy has had enough; what it said is still to be read.
        }
    }

    /// <summary>The next frame; null: the connection has ended.</summary>
    public async Task<(FrameType Type, byte[] Content)?> HearAsync()
    {
        try
        {
            var head = new byte[FrameHeader.Bytes];
            await _tls.ReadExactlyAsync(head, TestContext.Current.CancellationToken);
            Assert.True(FrameHeader.TryRead(head, out var header));
            var content = new byte[header.Length];
            await _tls.ReadExactlyAsync(content, TestContext.Current.CancellationToken);
            return (header.Type, content);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _tls.DisposeAsync();
        _socket.Dispose();
    }
}
