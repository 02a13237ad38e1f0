using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Spiffe;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Mesh.Cli.Output;

/// <summary>The table that answers "is it mTLS?".</summary>
internal static class EdgeTableView
{
    /// <summary>The table; identities are shortened to NAMESPACE/ACCOUNT where the console is narrow.</summary>
    public static IRenderable Build(IEnumerable<Edge> edges, int width)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (title, isNumber) in new[]
        {
            ("KIND", false), ("SOURCE", false), ("DESTINATION", false), ("PROTOCOL", false), ("PORT", true), ("TLS", false), ("CONNECTIONS", true),
            ("OPEN", true), ("BYTES", true),
        })
        {
            var column = new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))).NoWrap();
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }

        var isNarrow = width < 150;
        foreach (var edge in edges)
        {
            table.AddRow(
                new Text(edge.Kind),
                Party(edge.Source, isNarrow, edge.Kind),
                Party(edge.Destination, isNarrow, edge.Kind),
                new Text(edge.Protocol),
                new Text(edge.Port.ToString(CultureInfo.InvariantCulture)),
                Tls(edge),
                new Text(Connections(edge)),
                new Text(edge.Open.ToString(CultureInfo.InvariantCulture)),
                new Text(Bytes(edge.BytesSent + edge.BytesReceived)));
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

    private static Text Party(string id, bool isNarrow, string kind)
    {
        if (id.Length == 0)
        {
            return new Text(kind == "ingress" ? "(no identity)" : "-", new Style(decoration: Decoration.Dim));
        }

        return new Text(isNarrow && SpiffeId.TryParse(id, out var parsed, out _) && parsed.Role == IdentityRole.Workload
            ? $"{parsed.Namespace}/{parsed.ServiceAccount}"
            : id);
    }

    private static Text Tls(Edge edge) => edge.Tls switch
    {
        "true" => new Text("true", new Style(Color.Green)),
        "opaque" => new Text(WithReason(edge), new Style(Color.Blue)),
        _ => new Text(WithReason(edge), new Style(Color.Yellow)),
    };

    private static string WithReason(Edge edge) => edge.NoTlsReason.Length == 0 ? edge.Tls : $"{edge.Tls} ({edge.NoTlsReason})";

    private static string Connections(Edge edge) => edge.Refused == 0
        ? edge.Connections.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{edge.Connections} ({edge.Refused} refused)");
}
