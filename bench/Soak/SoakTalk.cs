using System.Buffers.Binary;
using System.Numerics;

namespace Mesh.Bench.Soak;

/// <summary>In which order the two ends of a connection talk, and how it ends.</summary>
internal enum SoakKind : byte
{
    /// <summary>Both talk at once, and each ends its direction when it has said all.</summary>
    Together,

    /// <summary>The application talks when the client has ended its direction.</summary>
    ClientFirst,

    /// <summary>The client talks when the application has ended its direction.</summary>
    ApplicationFirst,

    /// <summary>Both talk at once, and the client resets the connection under way.</summary>
    ClientAborts,

    /// <summary>Both talk at once, and the application resets the connection under way.</summary>
    ApplicationAborts,

    /// <summary>The client ends without a word.</summary>
    Silent,
}

/// <summary>One connection of a soak, as the client announces it to the application: what will be said is settled beforehand.</summary>
/// <param name="Offset">Where in the pattern both directions begin.</param>
/// <param name="Up">Bytes that the client has to say.</param>
/// <param name="Down">Bytes that the application has to say.</param>
/// <param name="AbortAt">After how many bytes of its own direction the one that aborts does so.</param>
internal sealed record SoakTalk(SoakKind Kind, long Offset, long Up, long Down, long AbortAt)
{
    public const int HeadBytes = 40;

    private const long MostBytes = 1 << 20;

    public static SoakTalk Draw(Random random)
    {
        var kind = (SoakKind)random.Next((int)SoakKind.Silent + 1);
        var (up, down) = (Size(random), Size(random));
        return new SoakTalk(kind, random.Next(), up, down, random.NextInt64((kind == SoakKind.ApplicationAborts ? down : up) + 1));
    }

    public static SoakTalk Read(ReadOnlySpan<byte> head) => new(
        (SoakKind)head[0],
        BinaryPrimitives.ReadInt64LittleEndian(head[8..]),
        BinaryPrimitives.ReadInt64LittleEndian(head[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(head[24..]),
        BinaryPrimitives.ReadInt64LittleEndian(head[32..]));

    public byte[] ToHead()
    {
        var head = new byte[HeadBytes];
        head[0] = (byte)Kind;
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(8), Offset);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(16), Up);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(24), Down);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(32), AbortAt);
        return head;
    }

    // As many small ones as large ones, of every order of magnitude; sometimes none.
    private static long Size(Random random) => random.NextInt64(1L << random.Next(BitOperations.Log2((ulong)MostBytes) + 1));
}
