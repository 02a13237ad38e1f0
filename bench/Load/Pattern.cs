namespace Mesh.Bench.Load;

/// <summary>Bytes by which whoever receives them knows that none was lost, added, changed or moved.</summary>
internal static class Pattern
{
    /// <summary>The longest piece that can be had at once, bytes.</summary>
    public const int Longest = 256 * 1024;

    // Random, and of a prime length: records or buffers that change places show.
    private const int Period = 65_521;

    private static readonly byte[] Bytes = Create();

    /// <summary>What stands at an offset of the endless stream.</summary>
    public static ReadOnlySpan<byte> At(long offset, int length) => Bytes.AsSpan((int)(offset % Period), length);

    /// <summary>Likewise, for those who wait.</summary>
    public static ReadOnlyMemory<byte> MemoryAt(long offset, int length) => Bytes.AsMemory((int)(offset % Period), length);

    public static bool Holds(long offset, ReadOnlySpan<byte> bytes) => bytes.SequenceEqual(At(offset, bytes.Length));

    // All processes of a bench have the same.
    private static byte[] Create()
    {
        var bytes = new byte[Period + Longest];
        var state = 0x2545f4914f6cdd1dUL;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (i >= Period)
            {
                bytes[i] = bytes[i - Period];
                continue;
            }

            // xorshift64: the same on every machine.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes[i] = (byte)(state >> 56);
        }

        return bytes;
    }
}
