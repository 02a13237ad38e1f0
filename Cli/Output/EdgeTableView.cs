using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Spiffe;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Mesh.Cli.Output;

/// <summary>The table that answers "is it mTLS?".</summary>
internal static class EdgeTableView
{
    // Two SPIFFE IDs and a reason beside each other, or their short forms, need about this.
    private const int Wide = 180;
    private const int Medium = 115;

    /// <summary>
    /// The table. Where the console is not wide, identities are shortened to NAMESPACE/ACCOUNT and reasons stand on a second line;
    /// where it is narrow, destinations stand below sources.
    /// </summary>
    public static IRenderable Build(IReadOnlyCollection<Edge> edges, int width)
    {
        var isShort = width < Wide;
        var isStacked = width < Medium;
        var table = new Table().Border(TableBorder.Simple);
        AddColumn(table, "KIND");
        AddColumn(table, isStacked ? "SOURCE → DESTINATION" : "SOURCE", wraps: isShort);
        if (!isStacked)
        {
            AddColumn(table, "DESTINATION", wraps: isShort);
        }

        AddColumn(table, "PROTOCOL");
        AddColumn(table, "PORT", isNumber: true);
        AddColumn(table, "TLS", wraps: isShort);
        // Where there is a name to show: it is TLS of others alone that asks for one. On a console that is not wide it stands under the reason.
        var hasSni = !isShort && edges.Any(edge => edge.Sni.Length > 0);
        if (hasSni)
        {
            AddColumn(table, "SNI");
        }

        AddColumn(table, isShort ? "CONNS" : "CONNECTIONS", isNumber: true);
        AddColumn(table, "OPEN", isNumber: true);
        AddColumn(table, "BYTES", isNumber: true);
        foreach (var column in table.Columns.Where(_ => isShort))
        {
            column.Padding(0, 0, 0, 0);
        }

        foreach (var edge in edges)
        {
            var (source, destination) = (Party(edge.Source, isShort, edge.Kind), Party(edge.Destination, isShort, edge.Kind));
            table.AddRow(
            [
                new Text(edge.Kind),
                .. isStacked ? (IRenderable[])[new Text($"{source}\n→ {destination}")] : [new Text(source), new Text(destination)],
                new Text(edge.Protocol),
                new Text(edge.Port.ToString(CultureInfo.InvariantCulture)),
                Tls(edge, isShort),
                .. hasSni ? (IRenderable[])[new Text(edge.Sni)] : [],
                new Text(Connections(edge, isShort)),
                new Text(edge.Open.ToString(CultureInfo.InvariantCulture)),
                new Text(Bytes(edge.BytesSent + edge.BytesReceived)),
            ]);
        }

        return table;
    }

    /// <summary>1536 → "1.5 KiB".</summary>
    public static string Bytes(ulong count)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = count;
        var unit = 0;
        while (value >= 1024 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 ? $"{count} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {units[unit]}");
    }

    private static void AddColumn(Table table, string title, bool isNumber = false, bool wraps = false)
    {
        var column = new TableColumn(new Text(title, new Style(decoration: Decoration.Bold)));
        column.NoWrap = !wraps;
        table.AddColumn(isNumber ? column.RightAligned() : column);
    }

    private static string Party(string id, bool isShort, string kind)
    {
        if (id.Length == 0)
        {
            return kind == "ingress" ? "(no identity)" : "-";
        }

        return isShort && SpiffeId.TryParse(id, out var parsed, out _) && parsed.Role == IdentityRole.Workload
            ? $"{parsed.Namespace}/{parsed.ServiceAccount}"
            : id;
    }

    private static Text Tls(Edge edge, bool isShort) => edge.Tls switch
    {
        "true" => new Text("true", new Style(Color.Green)),
        "opaque" => new Text(WithReason(edge, isShort), new Style(Color.Blue)),
        _ => new Text(WithReason(edge, isShort), new Style(Color.Yellow)),
    };

    private static string WithReason(Edge edge, bool isShort) =>
        isShort ? string.Join('\n', new[] { edge.Tls, edge.NoTlsReason, edge.Sni }.Where(line => line.Length > 0))
        : edge.NoTlsReason.Length == 0 ? edge.Tls : $"{edge.Tls} ({edge.NoTlsReason})";

    private static string Connections(Edge edge, bool isShort) =>
        edge.Refused == 0 ? edge.Connections.ToString(CultureInfo.InvariantCulture)
        : isShort ? string.Create(CultureInfo.InvariantCulture, $"{edge.Connections}\n{edge.Refused} refused")
        : string.Create(CultureInfo.InvariantCulture, $"{edge.Connections} ({edge.Refused} refused)");
}
