using CsCheck;
using Mesh.Proxy.Streams;

namespace Mesh.Proxy.Tests.Streams;

/// <summary>What is taken out of frames, however they are split; and that nothing else is.</summary>
public sealed class DeframerTests
{
    private const int Runs = 20_000;

    [Fact]
    public void Data_comes_out_as_it_went_in_however_it_is_split() =>
        Gen.Select(Gen.Byte.Array[1, 300].List[0, 8], Gen.Int[1, 40].List[1, 20]).Sample(
            (pieces, splits) =>
            {
                var wire = pieces.SelectMany(Data).Concat(End()).ToArray();
                var (taken, deframer, isBroken) = Take(wire, splits);
                Assert.False(isBroken);
                Assert.True(deframer.HasEnded);
                Assert.Equal(pieces.SelectMany(piece => piece), taken);
            },
            iter: Runs / 10);

    [Fact]
    public void Whatever_comes_it_gives_no_more_than_came_and_keeps_no_more_than_a_head() =>
        Gen.Select(Gen.Byte.Array[0, 400], Gen.Int[1, 50].List[1, 20]).Sample(
            (wire, splits) =>
            {
                // Mostly something that begins like a frame, or nothing past the first byte would ever be looked at.
                if (wire.Length > 3)
                {
                    (wire[0], wire[1], wire[2], wire[3]) = ((byte)(wire[0] % 7), 0, 0, (byte)(wire[3] % 64));
                }

                var (taken, deframer, _) = Take(wire, splits);
                Assert.True(taken.Count <= Math.Max(wire.Length - FrameHeader.Bytes, 0));
                Assert.True(deframer.Rest.Length <= Deframer.MaxRestBytes);
            },
            iter: Runs);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 2)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, 0)]
    [InlineData(4, FrameHeader.MaxDataBytes + 1)]
    [InlineData(4, 0xff_ffff)]
    [InlineData(5, 1)]
    [InlineData(6, 0)]
    [InlineData(255, 10)]
    public void A_frame_that_may_not_come_in_a_stream_breaks_it(int type, int length)
    {
        byte[] head = [(byte)type, (byte)(length >> 16), (byte)(length >> 8), (byte)length];

        Assert.Equal(-1, new Deframer().Take(head, out _));
    }

    [Fact]
    public void What_follows_the_end_is_kept_for_the_next_stream_and_is_a_head_at_most()
    {
        byte[] open = [(byte)FrameType.Open, 0, 0, 2, 0, 80];
        var deframer = new Deframer();

        Assert.Equal(3, deframer.Take([.. Data([1, 2, 3]), .. End(), .. open], out var start));
        Assert.Equal(FrameHeader.Bytes, start);
        Assert.Equal(open, deframer.Rest.ToArray());
        Assert.Equal(-1, deframer.Take([0], out _));
    }

    [Fact]
    public void A_frame_of_data_with_its_head_fills_four_TLS_records() => Assert.Equal(4 * 16 * 1024, FrameHeader.Bytes + FrameHeader.MaxDataBytes);

    private static (List<byte> Taken, Deframer Deframer, bool IsBroken) Take(byte[] wire, List<int> splits)
    {
        var (deframer, taken) = (new Deframer(), new List<byte>());
        for (var (at, i) = (0, 0); at < wire.Length; i++)
        {
            var piece = wire.AsSpan(at, Math.Min(splits[i % splits.Count], wire.Length - at)).ToArray();
            at += piece.Length;
            var count = deframer.Take(piece, out var start);
            if (count < 0)
            {
                return (taken, deframer, true);
            }

            taken.AddRange(piece.AsSpan(start, count));
        }

        return (taken, deframer, false);
    }

    private static byte[] Data(byte[] content)
    {
        var frame = new byte[FrameHeader.Bytes + content.Length];
        new FrameHeader(FrameType.Data, content.Length).Write(frame);
        content.CopyTo(frame, FrameHeader.Bytes);
        return frame;
    }

    private static byte[] End() => [(byte)FrameType.End, 0, 0, 0];
}
