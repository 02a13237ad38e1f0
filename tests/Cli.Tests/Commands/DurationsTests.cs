using System.Globalization;
using Mesh.Cli.Commands;

namespace Mesh.Cli.Tests.Commands;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("500ms", "00:00:00.5")]
    [InlineData("10s", "00:00:10")]
    [InlineData("0s", "00:00:00")]
    [InlineData("1.5h", "01:30:00")]
    [InlineData("5m", "00:05:00")]
    [InlineData("24h", "1.00:00:00")]
    [InlineData("7d", "7.00:00:00")]
    [InlineData("00:00:30", "00:00:30")]
    [InlineData("1.12:00:00", "1.12:00:00")]
    public void A_time_is_read_as_people_or_dotnet_write_it(string text, string expected)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.Parse(expected, CultureInfo.InvariantCulture), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("s")]
    [InlineData("-10s")]
    [InlineData("10 s")]
    [InlineData("10S")]
    [InlineData("1,5h")]
    [InlineData("1e3s")]
    [InlineData("10sec")]
    [InlineData("soon")]
    [InlineData("NaNs")]
    [InlineData("-Infinityd")]
    [InlineData("36501d")]
    [InlineData("999999999d")]
    [InlineData("99999999999999999999ms")]
    [InlineData("127.0.0.1:8443")]
    [InlineData("[::1]:8443")]
    public void Anything_else_is_no_time(string text) => Assert.False(Durations.TryParse(text, out _));
}
