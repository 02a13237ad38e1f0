using System.Net.Sockets;

namespace Mesh.Proxy.Transport;

/// <summary>A socket as a stream that first gives back what was read ahead, and remembers whether the socket has ended.</summary>
/// <remarks>
/// TLS ends with a message of its own. Where the socket ends without one, bytes may have been cut off, and the reader must not
/// take it for the end of what was said (RFC 8446 §6.1).
/// </remarks>
internal sealed class PeerStream(Socket socket, ReadOnlyMemory<byte> readAhead) : Stream
{
    private ReadOnlyMemory<byte> _readAhead = readAhead;

    /// <summary>The socket has no more bytes to give.</summary>
    public bool HasEnded { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_readAhead.Length > 0)
        {
            var count = Math.Min(_readAhead.Length, buffer.Length);
            _readAhead[..count].CopyTo(buffer);
            _readAhead = _readAhead[count..];
            return count;
        }

        var read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        // An empty read asks whether there are bytes, not whether there will be any.
        HasEnded |= read == 0 && buffer.Length > 0;
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancellationToken)..];
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Asynchronous alone.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Asynchronous alone.");

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
