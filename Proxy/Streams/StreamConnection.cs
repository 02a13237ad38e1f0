using System.Buffers.Binary;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Transport;

namespace Mesh.Proxy.Streams;

/// <summary>A TLS connection that carries one stream after the other; between two of them it carries nothing.</summary>
internal sealed class StreamConnection(TlsConnection tls) : ConnectionEnd(tls.Socket)
{
    private readonly Deframer _deframer = new();
    private readonly byte[] _head = new byte[Deframer.MaxRestBytes];
    private int _headBytes;
    private bool _hasSaidEnd;

    public TlsConnection Tls => tls;

    /// <summary>Both sides were done with the stream: the next one may begin.</summary>
    public bool IsBetweenStreams => _hasSaidEnd && _deframer.HasEnded && !HasKept;

    /// <summary>Something came after the stream's end: a client may say so much of the next one, a server that was not asked may not.</summary>
    public bool HasMore => !_deframer.Rest.IsEmpty;

    public override int Headroom => FrameHeader.Bytes;

    public override bool HasKept => tls.HasKept;

    /// <summary>Readies it for the next stream.</summary>
    public void Restart()
    {
        _deframer.Rest.CopyTo(_head);
        _headBytes = _deframer.Rest.Length;
        _deframer.Restart();
        _hasSaidEnd = false;
    }

    /// <summary>Waits, within the socket's limit, for a frame that is not data.</summary>
    /// <returns>Its type and its content as a number; null: the connection has ended, the time is up, or this is not the protocol.</returns>
    public async ValueTask<(FrameType Type, int Content)?> ReadHeadAsync()
    {
        var needed = FrameHeader.Bytes;
        while (true)
        {
            if (_headBytes >= FrameHeader.Bytes)
            {
                if (!FrameHeader.TryRead(_head, out var header) || header.Type is FrameType.Data or FrameType.End)
                {
                    return null;
                }

                needed = FrameHeader.Bytes + header.Length;
                if (_headBytes >= needed)
                {
                    _headBytes = 0;
                    return (header.Type, header.Length switch { 0 => 0, 1 => _head[4], _ => BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(4)) });
                }
            }

            // No more than the frame: what follows belongs to the stream.
            var read = tls.Read(_head.AsSpan(_headBytes, needed - _headBytes));
            if (read > 0)
            {
                _headBytes += read;
            }
            else if (read != LoopSocket.WouldBlock || !await Socket.ReadableAsync())
            {
                return null;
            }
        }
    }

    /// <summary>Says a frame that is not data.</summary>
    /// <returns>False: the connection has failed.</returns>
    public async ValueTask<bool> SayAsync(FrameType type, int content, int contentBytes) =>
        Say(type, content, contentBytes) && await DrainAsync();

    public override int Read(Span<byte> buffer, out int start)
    {
        start = 0;
        while (!_deframer.HasEnded)
        {
            var read = tls.Read(buffer);
            if (read <= 0)
            {
                // TLS's last word is no end of a stream: the stream's own comes before it.
                return read == 0 ? LoopSocket.Failed : read;
            }

            var count = _deframer.Take(buffer[..read], out start);
            if (count != 0)
            {
                return count > 0 ? count : LoopSocket.Failed;
            }
        }

        return 0;
    }

    public override bool Write(Span<byte> buffer)
    {
        new FrameHeader(FrameType.Data, buffer.Length - FrameHeader.Bytes).Write(buffer);
        return tls.Write(buffer);
    }

    public override bool Flush() => tls.Flush();

    /// <summary>Closes it between two streams, with TLS's last word.</summary>
    public void Close()
    {
        _ = tls.Finish();
        Dispose();
    }

    public override void Dispose() => tls.Dispose();

    protected override bool SayEnd()
    {
        _hasSaidEnd = true;
        return Say(FrameType.End, 0, 0);
    }

    private bool Say(FrameType type, int content, int contentBytes)
    {
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + sizeof(ushort)];
        new FrameHeader(type, contentBytes).Write(frame);
        if (contentBytes == 1)
        {
            frame[FrameHeader.Bytes] = (byte)content;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame[FrameHeader.Bytes..], (ushort)content);
        }

        return tls.Write(frame[..(FrameHeader.Bytes + contentBytes)]);
    }
}
