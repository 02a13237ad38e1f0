using Mesh.Admin.V1;
using Mesh.Grains.Interfaces.Traffic;
using Google.Protobuf.WellKnownTypes;

namespace Mesh.Silo.Admin;

/// <summary>Turns what both ends of each edge saw into one line an edge.</summary>
/// <remarks>
/// The accepting side is the witness, since it verified who came. What only the opening side saw is shown where no accepting
/// proxy reports it: a destination without a mesh, or one that refused.
/// </remarks>
internal static class EdgeTable
{
    public static IEnumerable<Edge> Build(IReadOnlyCollection<ObservedEdge> observed)
    {
        var witnessed = observed
            .Where(edge => edge.Total is { Direction: EdgeDirection.Inbound, PeerId: not null })
            .Select(edge => (Source: edge.Total.PeerId!, Destination: edge.Reporter))
            .ToHashSet();
        return observed
            .Where(edge => !(edge.Total is { Direction: EdgeDirection.Outbound, PeerId: { } peer } && witnessed.Contains((edge.Reporter, peer))))
            .Select(ToLine)
            .OrderBy(edge => KindOrder(edge.Kind))
            .ThenBy(edge => edge.Source, StringComparer.Ordinal)
            .ThenBy(edge => edge.Destination, StringComparer.Ordinal)
            .ThenBy(edge => edge.Port)
            .ThenBy(edge => edge.Sni, StringComparer.Ordinal);
    }

    private static Edge ToLine(ObservedEdge edge)
    {
        var (reporter, total) = (edge.Reporter.ToString(), edge.Total);
        var inbound = total.Direction == EdgeDirection.Inbound;
        var peer = total.PeerId?.ToString() ?? "";
        return new Edge
        {
            Kind = Word(total.Kind),
            Source = inbound ? peer : reporter,
            Destination = inbound ? reporter : peer.Length > 0 ? peer : total.Service,
            Protocol = total.Protocol,
            Port = (uint)total.Port,
            Tls = total.Tls,
            NoTlsReason = total.NoTlsReason,
            Connections = (ulong)total.Opened,
            Open = (ulong)total.Open,
            BytesSent = (ulong)total.BytesSent,
            BytesReceived = (ulong)total.BytesReceived,
            Refused = (ulong)total.Refused,
            Sni = total.Sni ?? "",
            LastSeen = edge.LastSeen.ToTimestamp(),
        };
    }

    private static string Word(EdgeKind kind) => kind switch
    {
        EdgeKind.Application => "application",
        EdgeKind.Ingress => "ingress",
        EdgeKind.Probe => "probe",
        EdgeKind.Scrape => "scrape",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static int KindOrder(string kind) => kind switch { "application" => 0, "ingress" => 1, "probe" => 2, _ => 3 };
}
