using System.Collections.Immutable;
using Mesh.Spiffe;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Traffic;

/// <summary>The edges seen at the workloads of one namespace, in a bounded window. Key: the namespace.</summary>
[Alias("mesh.traffic"), GrainInterfaceType("mesh.traffic")]
public interface ITrafficGrain : IGrainWithStringKey
{
    /// <summary>Adds what one workload's proxy saw. It may be lost.</summary>
    [Alias("report"), OneWay]
    Task ReportAsync(SpiffeId reporter, string instanceId, ImmutableArray<EdgeReport> edges);

    /// <summary>The window's edges.</summary>
    [Alias("get-edges")]
    Task<ImmutableArray<ObservedEdge>> GetEdgesAsync();
}

/// <summary>The kind of traffic.</summary>
public enum EdgeKind
{
    /// <summary>Between workloads.</summary>
    Application = 1,

    /// <summary>From somebody without an identity to a workload that admits such.</summary>
    Ingress = 2,

    /// <summary>A liveness or readiness probe at a proxy's admin port.</summary>
    Probe = 3,

    /// <summary>A scrape of a proxy's metrics.</summary>
    Scrape = 4,
}

/// <summary>Which side of the proxy the connection came in at.</summary>
public enum EdgeDirection
{
    /// <summary>To the workload.</summary>
    Inbound = 1,

    /// <summary>From the workload.</summary>
    Outbound = 2,
}

/// <summary>What one proxy saw of one edge since its last report.</summary>
/// <param name="PeerId">The other side's verified identity, if any.</param>
/// <param name="Service">Outbound: the service asked for.</param>
/// <param name="Tls">Linkerd's words: true, opaque, disabled, no_identity.</param>
/// <param name="Open">Connections open now; not a difference.</param>
/// <param name="Sni">Opaque: the DNS name that the client's own TLS asks for, if any.</param>
[GenerateSerializer, Immutable, Alias("mesh.edge-report")]
public sealed record EdgeReport(
    [property: Id(0)] EdgeKind Kind,
    [property: Id(1)] EdgeDirection Direction,
    [property: Id(2)] SpiffeId? PeerId,
    [property: Id(3)] string Service,
    [property: Id(4)] int Port,
    [property: Id(5)] string Tls,
    [property: Id(6)] string NoTlsReason,
    [property: Id(7)] string Protocol,
    [property: Id(8)] long Opened,
    [property: Id(9)] long Open,
    [property: Id(10)] long BytesSent,
    [property: Id(11)] long BytesReceived,
    [property: Id(12)] long Refused,
    [property: Id(13)] string? Sni = null);

/// <summary>An edge as the reporter's namespace has seen it in all.</summary>
/// <param name="Reporter">The workload whose proxy reports.</param>
/// <param name="Total">The sums over the window; <see cref="EdgeReport.Opened"/> is the number of connections.</param>
[GenerateSerializer, Immutable, Alias("mesh.observed-edge")]
public sealed record ObservedEdge(
    [property: Id(0)] SpiffeId Reporter,
    [property: Id(1)] EdgeReport Total,
    [property: Id(2)] DateTimeOffset LastSeen);
