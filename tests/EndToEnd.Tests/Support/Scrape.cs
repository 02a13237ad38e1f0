using System.Globalization;
using System.Text.RegularExpressions;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>One page of <c>/metrics</c>, as Prometheus reads its text format.</summary>
internal sealed partial class Scrape
{
    public Scrape(string page)
    {
        Types = TypeLine().Matches(page).ToDictionary(line => line.Groups["name"].Value, line => line.Groups["type"].Value);
        Samples = [.. SampleLine().Matches(page).Select(line => new Sample(
            line.Groups["name"].Value,
            Label().Matches(line.Groups["labels"].Value).ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value),
            double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture)))];
    }

    /// <summary>The names of all metrics, with their types.</summary>
    public IReadOnlyDictionary<string, string> Types { get; }

    public IReadOnlyList<Sample> Samples { get; }

    public static async Task<Scrape> ReadAsync(Uri url) => new(await Http.GetAsync(url.ToString()));

    /// <summary>The value of the one series that has this label.</summary>
    public double Value(string name, string label, string value) =>
        Samples.Single(sample => sample.Name == name && sample.Labels.GetValueOrDefault(label) == value).Value;

    [GeneratedRegex("^# TYPE (?<name>[a-zA-Z0-9_:]+) (?<type>[a-z]+)$", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^(?<name>[a-zA-Z0-9_:]+)(\{(?<labels>.*)\})? (?<value>[^ \n]+)$", RegexOptions.Multiline)]
    private static partial Regex SampleLine();

    [GeneratedRegex("""(?<name>[a-zA-Z0-9_]+)="(?<value>([^"\\]|\\.)*)"(,|$)""")]
    private static partial Regex Label();

    internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);
}
