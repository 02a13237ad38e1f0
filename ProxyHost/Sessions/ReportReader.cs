using System.Text.RegularExpressions;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>Reads what a proxy reports; each field is bounded and of known words before a grain sees it.</summary>
internal static partial class ReportReader
{
    private static readonly HashSet<string> TlsWords = ["true", "opaque", "disabled", "no_identity"];

    private static readonly HashSet<string> Reasons =
        ["", "loopback", "port_skipped", "no_tls_from_remote", "not_provided_by_service_discovery"];

    private static readonly HashSet<string> Protocols = ["", "TLSv1.3", "HTTP/1.1", "HTTP/2", "TLS", "TCP"];

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming the field.</exception>
    public static IEnumerable<EdgeReport> Read(ReportRequest request)
    {
        if (request.Edges.Count > RequestLimits.MaxEdges)
        {
            throw Refuse("edges", $"has {request.Edges.Count} entries; at most {RequestLimits.MaxEdges} are read");
        }

        return request.Edges.Select((edge, index) => Read(edge, $"edges[{index}]"));
    }

    /// <summary>The proxy's word on its bundle, which the grain checks.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming the field.</exception>
    public static string Acknowledgement(ReportRequest request) => request.Acknowledgement.Length <= BundleAcknowledgement.MaxChars
        ? request.Acknowledgement
        : throw Refuse("acknowledgement", $"has {request.Acknowledgement.Length} characters; at most {BundleAcknowledgement.MaxChars} are read");

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming the field.</exception>
    public static void CheckServiceName(string name, string field)
    {
        if (name.Length > RequestLimits.MaxServiceNameChars || !ServiceName().IsMatch(name))
        {
            throw Refuse(field, "is not NAME.NAMESPACE:PORT");
        }
    }

    private static EdgeReport Read(Edge edge, string field)
    {
        SpiffeId? peer = null;
        if (edge.PeerId.Length > 0 && !SpiffeId.TryParse(edge.PeerId, out peer, out var error))
        {
            throw Refuse($"{field}.peer_id", $"is not a SPIFFE ID: {error}");
        }

        if (edge.Service.Length > 0)
        {
            CheckServiceName(edge.Service, $"{field}.service");
        }

        if (edge.Port > 65535)
        {
            throw Refuse($"{field}.port", "is over 65535");
        }

        return new EdgeReport(
            edge.Kind switch
            {
                Mesh.Proxy.V1.EdgeKind.Application => Grains.Interfaces.Traffic.EdgeKind.Application,
                Mesh.Proxy.V1.EdgeKind.Ingress => Grains.Interfaces.Traffic.EdgeKind.Ingress,
                Mesh.Proxy.V1.EdgeKind.Probe => Grains.Interfaces.Traffic.EdgeKind.Probe,
                Mesh.Proxy.V1.EdgeKind.Scrape => Grains.Interfaces.Traffic.EdgeKind.Scrape,
                _ => throw Refuse($"{field}.kind", "is not a kind of edge"),
            },
            edge.Direction switch
            {
                Direction.Inbound => EdgeDirection.Inbound,
                Direction.Outbound => EdgeDirection.Outbound,
                _ => throw Refuse($"{field}.direction", "is not a direction"),
            },
            peer,
            edge.Service,
            (int)edge.Port,
            Word(TlsWords, edge.Tls, $"{field}.tls"),
            Word(Reasons, edge.NoTlsReason, $"{field}.no_tls_reason"),
            Word(Protocols, edge.Protocol, $"{field}.protocol"),
            Count(edge.ConnectionsOpened, $"{field}.connections_opened"),
            Count(edge.ConnectionsOpen, $"{field}.connections_open"),
            Count(edge.BytesSent, $"{field}.bytes_sent"),
            Count(edge.BytesReceived, $"{field}.bytes_received"),
            Count(edge.ConnectionsRefused, $"{field}.connections_refused"),
            ServerNameOf(edge, $"{field}.sni"));
    }

    private static string? ServerNameOf(Edge edge, string field) =>
        edge.Sni.Length == 0 ? null
        : edge.Tls != "opaque" ? throw Refuse(field, "is there for opaque alone")
        : edge.Sni.Length <= RequestLimits.MaxDnsNameChars && DnsName().IsMatch(edge.Sni) ? edge.Sni
        : throw Refuse(field, "is not a DNS name in lower case");

    private static string Word(HashSet<string> known, string word, string field) =>
        known.Contains(word) ? word : throw Refuse(field, $"is none of: {string.Join(", ", known.Where(text => text.Length > 0))}");

    // 2^50 is a petabyte between two reports; larger sums would overflow those of the mesh.
    private static long Count(ulong value, string field) => value <= 1UL << 50 ? (long)value : throw Refuse(field, "is over 2^50");

    private static MeshException Refuse(string field, string what) => new(MeshError.InvalidRequest, $"{field} {what}.");

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:[1-9][0-9]{0,4}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ServiceName();

    [GeneratedRegex(@"^[a-z0-9_.-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex DnsName();
}
