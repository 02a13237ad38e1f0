using System.Globalization;

namespace Mesh.Cli.Output;

/// <summary>How tables write an instant: UTC, to the second.</summary>
internal static class TimeText
{
    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
