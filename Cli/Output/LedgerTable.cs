using System.Globalization;
using Mesh.Admin.V1;
using Spectre.Console;

namespace Mesh.Cli.Output;

/// <summary>Who holds which bundle.</summary>
internal static class LedgerTable
{
    /// <summary>The ledger in one line.</summary>
    public static string Summary(Ledger ledger)
    {
        var converged = ledger.Entries.Count(entry => entry.IsConverged);
        if (ledger.Entries.Count == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"Sequence {ledger.Sequence}: no workload instance is alive.");
        }

        if (converged < ledger.Entries.Count)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"Sequence {ledger.Sequence}: {converged} of {ledger.Entries.Count} instances have acknowledged it; {ledger.Entries.Count - converged} have not.");
        }

        var since = ledger.Entries.Max(entry => entry.AcknowledgedAt.ToDateTimeOffset());
        return string.Create(CultureInfo.InvariantCulture, $"Sequence {ledger.Sequence}: all {converged} instances have acknowledged it, the last at {TimeText.Of(since)}.");
    }

    /// <summary>Those that have not acknowledged the bundle in force, or all; null where there is nobody to show.</summary>
    public static Table? Build(Ledger ledger, bool all)
    {
        var shown = ledger.Entries.Where(entry => all || !entry.IsConverged).ToList();
        if (shown.Count == 0)
        {
            return null;
        }

        var table = new Table().Border(TableBorder.Simple);
        foreach (var title in new[] { "IDENTITY", "INSTANCE", "HOLDS", "SINCE", "CONVERGED", "CLOSED", "TRUSTS IT UNTIL" })
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))).NoWrap());
        }

        foreach (var entry in shown)
        {
            table.AddRow(
                new Text(entry.SpiffeId),
                new Text(entry.InstanceId[..Math.Min(8, entry.InstanceId.Length)]),
                new Text(entry.Sequence == 0 ? "nothing heard" : entry.Sequence.ToString(CultureInfo.InvariantCulture)),
                new Text(entry.AcknowledgedAt is null ? "" : TimeText.Of(entry.AcknowledgedAt.ToDateTimeOffset())),
                entry.IsConverged ? new Text("yes", new Style(Color.Green)) : new Text("no", new Style(Color.Red)),
                new Text(entry.ConnectionsClosed.ToString(CultureInfo.InvariantCulture)),
                new Text(entry.IsConverged ? "" : TimeText.Of(entry.NotAfter.ToDateTimeOffset())));
        }

        return table;
    }
}
