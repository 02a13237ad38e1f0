using System.Text.RegularExpressions;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Metrics;

/// <summary>The tables of docs/metrics.md.</summary>
internal static partial class MetricsTable
{
    /// <summary>What the table of a section says of each metric.</summary>
    public static IReadOnlyList<DocumentedMetric> Of(string section) => [.. Rows(section).Select(cells => new DocumentedMetric(
        Word().Match(cells[0]).Groups[1].Value,
        cells[1],
        [.. Word().Matches(cells[2]).Where(word => !word.Value.StartsWith('[')).Select(word => word.Groups[1].Value)],
        [.. Word().Matches(cells[2]).Where(word => word.Value.StartsWith('[')).Select(word => word.Groups[1].Value)]))];

    /// <summary>How the names begin that libraries add.</summary>
    public static IReadOnlyList<string> LibraryPrefixes() =>
        [.. Rows("What libraries add").SelectMany(cells => Word().Matches(cells[0])).Select(word => word.Groups[1].Value)];

    private static IEnumerable<string[]> Rows(string section) => File.ReadLines(Path.Combine(Programs.Root, "docs", "metrics.md"))
        .SkipWhile(line => line != $"## {section}")
        .Skip(1)
        .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
        .SkipWhile(line => !line.StartsWith('|'))
        .TakeWhile(line => line.StartsWith('|'))
        .Skip(2)
        .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries));

    // `word`, or [`word`] for a label that is not always there.
    [GeneratedRegex(@"\[?`([^`]+)`")]
    private static partial Regex Word();
}

internal sealed record DocumentedMetric(string Name, string Type, IReadOnlyList<string> Labels, IReadOnlyList<string> SometimesLabels);
