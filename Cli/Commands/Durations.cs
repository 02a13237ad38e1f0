using System.Globalization;

namespace Mesh.Cli.Commands;

/// <summary>Times as people write them: 500ms, 10s, 5m, 24h, 7d, or as .NET does, 1.12:00:00.</summary>
internal static class Durations
{
    private static readonly TimeSpan Most = TimeSpan.FromDays(36_500);

    private static readonly (string Unit, Func<double, TimeSpan> Of)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds), ("s", TimeSpan.FromSeconds), ("m", TimeSpan.FromMinutes), ("h", TimeSpan.FromHours), ("d", TimeSpan.FromDays),
    ];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        foreach (var (unit, of) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
                && count >= 0 && count < Most / of(1))
            {
                duration = of(count);
                return true;
            }
        }

        // A bare number would be days to .NET and seconds to people.
        duration = default;
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration);
    }
}
