using Mesh.Proxy.Interception;

namespace Mesh.Proxy.Tests.Interception;

public sealed class NumberRangesTests
{
    [Fact]
    public void Ranges_that_overlap_or_touch_become_one_and_the_rest_keeps_its_order() => Assert.Equal(
        "1-9, 22, 4294967295", NumberRanges.Of([(uint.MaxValue, uint.MaxValue), (5, 9), (22, 22), (1, 4), (2, 3)]).ToString());

    [Fact]
    public void Both_ends_of_a_range_belong_to_it()
    {
        var ranges = NumberRanges.Of([(22, 22), (8000, 8999)]);

        Assert.Equal([22, 8000, 8999], new uint[] { 0, 21, 22, 23, 7999, 8000, 8999, 9000, uint.MaxValue }.Where(ranges.Contains));
        Assert.False(NumberRanges.None.Contains(0));
    }

    [Theory]
    [InlineData("22", true)]
    [InlineData("1-65535", true)]
    [InlineData("7-7", true)]
    [InlineData("0", false)]
    [InlineData("65536", false)]
    [InlineData("9-8", false)]
    [InlineData("", false)]
    [InlineData("-", false)]
    [InlineData("1-", false)]
    [InlineData("-1", false)]
    [InlineData("1-2-3", false)]
    [InlineData("+1", false)]
    [InlineData(" 1", false)]
    [InlineData("99999999999", false)]
    public void A_range_is_one_number_or_two_in_order(string text, bool isRange) =>
        Assert.Equal(isRange, NumberRanges.TryParseRange(text, 1, 65535, out _));
}
