using System.Buffers.Binary;
using Mesh.Proxy.Loops;

namespace Mesh.Proxy.Streams;

/// <summary>The head of a frame: its type in one byte, the length of its content in three, high byte first.</summary>
internal readonly record struct FrameHeader(FrameType Type, int Length)
{
    public const int Bytes = 4;

    /// <summary>The most that a frame of data holds; with its head it fills four TLS records exactly.</summary>
    public const int MaxDataBytes = EventLoop.BatchBytes - Bytes;

    private const int PortBytes = 2;

    /// <returns>False: no such frame may come; see the types.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header)
    {
        var word = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        header = new FrameHeader((FrameType)(word >> 24), (int)(word & 0xff_ffff));
        return header.Type switch
        {
            FrameType.Open => header.Length == PortBytes,
            FrameType.Refuse => header.Length == 1,
            FrameType.Accept or FrameType.End => header.Length == 0,
            FrameType.Data => header.Length is > 0 and <= MaxDataBytes,
            _ => false,
        };
    }

    public void Write(Span<byte> target) => BinaryPrimitives.WriteUInt32BigEndian(target, (uint)Type << 24 | (uint)Length);
}
