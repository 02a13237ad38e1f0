using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Mesh.Bench.Results;

/// <summary>One figure, and what it must not go beyond.</summary>
/// <param name="Name">With its unit at the end: <c>first_edge_s</c>.</param>
/// <param name="AtMost">Null: no upper bound.</param>
/// <param name="AtLeast">Null: no lower bound.</param>
internal sealed record Figure(string Name, double Value, double? AtMost = null, double? AtLeast = null)
{
    public bool Holds => !(Value > AtMost) && !(Value < AtLeast) && double.IsFinite(Value);

    public string Bound => (AtMost, AtLeast) switch
    {
        ({ } most, _) => string.Create(CultureInfo.InvariantCulture, $"≤ {most:0.##}"),
        (_, { } least) => string.Create(CultureInfo.InvariantCulture, $"≥ {least:0.##}"),
        _ => "",
    };
}

/// <summary>What a run has measured.</summary>
internal sealed class BenchReport(string name, params IReadOnlyList<Figure> figures)
{
    public bool Holds => figures.All(figure => figure.Holds);

    /// <summary>Written to the file, not printed: what the bench has shown in a table of its own. They have no bounds.</summary>
    public IReadOnlyList<Figure> Details { get; init; } = [];

    public void Print()
    {
        var table = new Table().Border(TableBorder.Simple).Title(name);
        table.AddColumn("FIGURE").AddColumn(new TableColumn("VALUE").RightAligned()).AddColumn(new TableColumn("BOUND").RightAligned()).AddColumn("");
        foreach (var figure in figures)
        {
            table.AddRow(
                new Text(figure.Name),
                new Text(figure.Value.ToString("0.###", CultureInfo.InvariantCulture)),
                new Text(figure.Bound),
                figure.Bound.Length == 0 ? new Text("") : figure.Holds ? new Text("holds", new Style(Color.Green)) : new Text("BROKEN", new Style(Color.Red)));
        }

        AnsiConsole.Write(table);
    }

    public void Write(string file) => File.WriteAllText(
        file, JsonSerializer.Serialize(figures.Concat(Details).ToDictionary(figure => figure.Name, figure => figure.Value)) + Environment.NewLine);
}
