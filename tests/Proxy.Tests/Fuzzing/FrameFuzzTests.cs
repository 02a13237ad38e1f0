using Mesh.Proxy.Streams;

namespace Mesh.Proxy.Tests.Fuzzing;

/// <summary>The frames of a stream, good ones and what can be made of them.</summary>
public sealed class FrameFuzzTests
{
    [Fact(Explicit = true)]
    public void The_same_comes_out_however_it_is_split_and_no_more_than_came_in() => Fuzzer.Run(random =>
    {
        var wire = Fuzzer.Mutate(random, Frames(random));
        var whole = Take(wire, () => wire.Length);
        var split = Take(wire, () => random.Next(1, 40));

        // Where it breaks, how much came out before depends on where it was split: what is there then goes nowhere.
        Assert.Equal(whole.IsBroken, split.IsBroken);
        if (!whole.IsBroken)
        {
            Assert.Equal(whole.Taken, split.Taken);
            Assert.Equal(whole.HasEnded, split.HasEnded);
            Assert.Equal(whole.After, split.After);
        }

        Assert.True(split.Taken.Length <= Math.Max(wire.Length - FrameHeader.Bytes, 0), "more came out than went in");
        Assert.True(split.After.Length <= Deframer.MaxRestBytes, "more is kept than a head");
    });

    private static byte[] Frames(Random random)
    {
        List<byte> wire = [];
        for (var count = random.Next(6); count > 0; count--)
        {
            var data = new byte[random.Next(10) == 0 ? FrameHeader.MaxDataBytes : random.Next(1, 300)];
            random.NextBytes(data);
            wire.AddRange([(byte)FrameType.Data, 0, (byte)(data.Length >> 8), (byte)data.Length, .. data]);
        }

        wire.AddRange([(byte)FrameType.End, 0, 0, 0]);
        // The next stream's head.
        wire.AddRange(random.Next(3) == 0 ? [(byte)FrameType.Open, 0, 0, 2, 0, 0] : []);
        return [.. wire];
    }

    private static (byte[] Taken, bool IsBroken, bool HasEnded, byte[] After) Take(byte[] wire, Func<int> next)
    {
        var deframer = new Deframer();
        List<byte> taken = [];
        for (var at = 0; at < wire.Length;)
        {
            var piece = wire.AsSpan(at, Math.Min(Math.Max(next(), 1), wire.Length - at)).ToArray();
            var count = deframer.Take(piece, out var start);
            if (count < 0)
            {
                return ([.. taken], true, deframer.HasEnded, deframer.Rest.ToArray());
            }

            taken.AddRange(piece.AsSpan(start, count));
            at += piece.Length;
        }

        return ([.. taken], false, deframer.HasEnded, deframer.Rest.ToArray());
    }
}
