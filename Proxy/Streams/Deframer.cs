namespace Mesh.Proxy.Streams;

/// <summary>Takes the application's bytes out of a stream's frames, in the buffer that they came in. Pure; what breaks the rules breaks the stream.</summary>
internal sealed class Deframer
{
    /// <summary>The most that may follow a stream's end at once: the next one's head.</summary>
    public const int MaxRestBytes = FrameHeader.Bytes + 2;

    private readonly byte[] _head = new byte[FrameHeader.Bytes];
    private readonly byte[] _rest = new byte[MaxRestBytes];
    private int _headBytes;
    private int _dataLeft;
    private int _restBytes;

    /// <summary>The other side has said that nothing more comes.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What came after the end: the beginning of the next stream's head.</summary>
    public ReadOnlySpan<byte> Rest => _rest.AsSpan(0, _restBytes);

    /// <summary>Readies it for the next stream.</summary>
    public void Restart() => (_headBytes, _dataLeft, _restBytes, HasEnded) = (0, 0, 0, false);

    /// <summary>Takes what has come.</summary>
    /// <param name="bytes">Frames, split anywhere; changed by this.</param>
    /// <param name="start">Where in it the application's bytes begin; they lie together.</param>
    /// <returns>How many they are, 0 perhaps; -1: this is not what the protocol allows.</returns>
    public int Take(Span<byte> bytes, out int start)
    {
        var (at, count) = (0, 0);
        start = 0;
        while (at < bytes.Length)
        {
            if (HasEnded)
            {
                return KeepRest(bytes[at..]) ? count : -1;
            }

            if (_dataLeft == 0)
            {
                if (!TakeHead(bytes, ref at))
                {
                    return -1;
                }

                continue;
            }

            var taken = Math.Min(_dataLeft, bytes.Length - at);
            if (count == 0)
            {
                start = at;
            }
            else
            {
                // Most often there is one piece, which stays where it is.
                bytes.Slice(at, taken).CopyTo(bytes[(start + count)..]);
            }

            count += taken;
            at += taken;
            _dataLeft -= taken;
        }

        return count;
    }

    private bool TakeHead(ReadOnlySpan<byte> bytes, ref int at)
    {
        var taken = Math.Min(FrameHeader.Bytes - _headBytes, bytes.Length - at);
        bytes.Slice(at, taken).CopyTo(_head.AsSpan(_headBytes));
        (_headBytes, at) = (_headBytes + taken, at + taken);
        if (_headBytes < FrameHeader.Bytes)
        {
            return true;
        }

        _headBytes = 0;
        if (!FrameHeader.TryRead(_head, out var header) || header.Type is not (FrameType.Data or FrameType.End))
        {
            return false;
        }

        (_dataLeft, HasEnded) = (header.Length, header.Type == FrameType.End);
        return true;
    }

    private bool KeepRest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxRestBytes - _restBytes)
        {
            return false;
        }

        bytes.CopyTo(_rest.AsSpan(_restBytes));
        _restBytes += bytes.Length;
        return true;
    }
}
