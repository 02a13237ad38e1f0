using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Silo.Admin;

namespace Mesh.Silo.Tests.Admin;

public class PortListTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("25", "25")]
    [InlineData("25,587,9000-9100", "25,587,9000-9100")]
    [InlineData("25,9000 - 9100", "25,9000-9100")]
    [InlineData("9000-9000", "9000")]
    public void A_list_is_read_and_written(string text, string written) => Assert.Equal(written, PortList.Format(PortList.Parse(text)));

    [Theory]
    [InlineData(",")]
    [InlineData("25,")]
    [InlineData("smtp")]
    [InlineData("-25")]
    [InlineData("25-")]
    [InlineData("1-2-3")]
    [InlineData("65536")]
    [InlineData("+25")]
    [InlineData("25 26")]
    [InlineData("0x19")]
    public void What_is_none_is_refused_and_the_part_is_named(string text)
    {
        var refusal = Assert.Throws<MeshException>(() => PortList.Parse(text));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Contains("is not a port or a range of ports", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_without_end_is_not_read() => Assert.Throws<MeshException>(() => PortList.Parse(new string('1', 2_000)));

    [Fact]
    public void Ranges_are_those_that_stand_there() => Assert.Equal([new PortRange(25, 25), new PortRange(9000, 9100)], PortList.Parse("25,9000-9100"));
}
