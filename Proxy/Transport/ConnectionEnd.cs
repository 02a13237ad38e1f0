using System.Net.Security;
using System.Net.Sockets;

namespace Mesh.Proxy.Transport;

/// <summary>One end of a connection that is being carried.</summary>
internal abstract class ConnectionEnd(Socket socket) : IDisposable
{
    /// <returns>0 when the other side has said that it is done.</returns>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Says that nothing more comes; the other direction goes on.</summary>
    public abstract ValueTask FinishAsync();

    /// <summary>Ends the connection so that the other side can't take it for a clean end: RST, not FIN.</summary>
    public void Abort() => Abort(socket);

    /// <inheritdoc cref="Abort()"/>
    public static void Abort(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }

        socket.Dispose();
    }

    public virtual void Dispose() => socket.Dispose();
}

/// <summary>A plain end: an application, or a client without a mesh.</summary>
internal sealed class PlainEnd(Socket socket, ReadOnlyMemory<byte> readAhead = default) : ConnectionEnd(socket)
{
    private readonly Socket _socket = socket;
    private readonly PeerStream _stream = new(socket, readAhead);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _stream.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) =>
        _stream.WriteAsync(buffer, cancellationToken);

    public override ValueTask FinishAsync()
    {
        _socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }
}

/// <summary>An end in mutual TLS. A socket that ends without TLS's own last word is an error, not an end.</summary>
internal sealed class TlsEnd(Socket socket, PeerStream peer, SslStream tls) : ConnectionEnd(socket)
{
    private readonly Socket _socket = socket;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = await tls.ReadAsync(buffer, cancellationToken);
        return read > 0 || !peer.HasEnded
            ? read
            : throw new IOException("The connection was cut off: it ended without TLS close_notify.");
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) =>
        tls.WriteAsync(buffer, cancellationToken);

    public override async ValueTask FinishAsync()
    {
        await tls.ShutdownAsync();
        _socket.Shutdown(SocketShutdown.Send);
    }

    public override void Dispose()
    {
        tls.Dispose();
        base.Dispose();
    }
}
