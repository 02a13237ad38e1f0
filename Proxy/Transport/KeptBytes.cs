using System.Buffers;
using Mesh.Proxy.Loops;

namespace Mesh.Proxy.Transport;

/// <summary>Bytes that a socket did not take yet. Nothing is held while there are none.</summary>
internal struct KeptBytes
{
    private byte[]? _bytes;
    private int _start;
    private int _end;

    public readonly int Count => _end - _start;

    /// <summary>Keeps these after what is kept already.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        var count = Count;
        if (_bytes is null || _bytes.Length - _end < bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(count + bytes.Length);
            _bytes?.AsSpan(_start, count).CopyTo(larger);
            Clear();
            (_bytes, _end) = (larger, count);
        }

        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Sends them, as far as it goes.</summary>
    /// <returns>False: the connection has failed.</returns>
    public bool SendTo(LoopSocket socket)
    {
        if (Count == 0)
        {
            return !socket.IsClosed;
        }

        var sent = socket.Send(_bytes.AsSpan(_start, Count));
        _start += Math.Max(sent, 0);
        if (Count == 0)
        {
            Clear();
        }

        return sent >= 0;
    }

    /// <summary>Forgets them.</summary>
    public void Clear()
    {
        if (_bytes is { } bytes)
        {
            (_bytes, _start, _end) = (null, 0, 0);
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
