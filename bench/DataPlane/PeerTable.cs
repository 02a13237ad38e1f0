using System.Globalization;
using Mesh.Bench.Results;
using Spectre.Console;

namespace Mesh.Bench.DataPlane;

/// <summary>All peers beside each other: medians, and how far the rounds lie apart.</summary>
internal static class PeerTable
{
    public static void Print(Rounds rounds, IReadOnlyList<Workload> workloads, IReadOnlyList<string> peers)
    {
        var table = new Table().Border(TableBorder.Simple).Title("median (width)");
        table.AddColumn("WORKLOAD").AddColumn("FIGURE");
        foreach (var peer in peers)
        {
            table.AddColumn(new TableColumn(peer).RightAligned());
        }

        // Where the output goes to a file, nobody's window bounds it.
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 120);
        foreach (var (workload, name, figure) in workloads.Where(workload => peers.Any(peer => rounds.Has(workload.Name, peer))).SelectMany(workload => Figures(workload).Select(figure => (workload, figure.Name, figure.Of))))
        {
            table.AddRow([workload.Name, name, .. peers.Select(peer => rounds.Has(workload.Name, peer) ? Cell(rounds.Of(workload.Name, peer, figure)) : "")]);
        }

        AnsiConsole.Write(table);
    }

    /// <summary>The same as figures, <c>WORKLOAD_PEER_FIGURE</c>.</summary>
    public static IEnumerable<Figure> Flat(Rounds rounds, IReadOnlyList<Workload> workloads, IReadOnlyList<string> peers) =>
        from workload in workloads
        from peer in peers
        where rounds.Has(workload.Name, peer)
        from figure in Figures(workload)
        let spread = rounds.Of(workload.Name, peer, figure.Of)
        where double.IsFinite(spread.Median)
        from one in new[] { new Figure($"{workload.Name}_{peer}_{figure.Name}", spread.Median), new Figure($"{workload.Name}_{peer}_{figure.Name}_width", spread.Width) }
        select one;

    private static IEnumerable<(string Name, Func<Run, double> Of)> Figures(Workload workload)
    {
        yield return (workload.Unit, run => run.Rate);
        yield return (workload.CpuUnit, run => run.Cpu);
        if (workload.HasLatency)
        {
            yield return ("p50_us", run => run.Load.P50.TotalMicroseconds);
            yield return ("p99_us", run => run.Load.P99.TotalMicroseconds);
        }
    }

    private static string Cell(Spread spread) => double.IsNaN(spread.Median) ? "" : string.Create(CultureInfo.InvariantCulture, $"{Short(spread.Median)} ({Short(spread.Width)})");

    private static string Short(double value) => value.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}
