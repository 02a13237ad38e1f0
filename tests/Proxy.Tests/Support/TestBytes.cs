namespace Mesh.Proxy.Tests.Support;

/// <summary>Bytes of which none can be mistaken for another part of them, and the pieces in which an application sends them.</summary>
internal static class TestBytes
{
    public static byte[] Random(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>One byte up to 100 KiB at a time.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> InPieces(int seed, byte[] bytes)
    {
        var random = new Random(seed);
        for (var at = 0; at < bytes.Length;)
        {
            var count = Math.Min(bytes.Length - at, random.Next(4) == 0 ? random.Next(1, 16) : random.Next(1, 100 * 1024));
            yield return bytes.AsMemory(at, count);
            at += count;
        }
    }
}
