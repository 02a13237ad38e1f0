namespace Mesh.Proxy.Discovery;

/// <summary>What a connection to an address means.</summary>
internal enum DestinationKind
{
    /// <summary>A service: one of its endpoints is chosen.</summary>
    Service,

    /// <summary>One endpoint, by its own address.</summary>
    Endpoint,

    /// <summary>Nothing that the mesh knows: plain TCP to that very address, counted as <c>not_provided_by_service_discovery</c>.</summary>
    Unknown,

    /// <summary>Nobody could say. The connection is refused, and counted as <c>not_resolved</c>.</summary>
    NotResolved,
}

/// <summary>Where a connection to an address leads.</summary>
internal sealed class Destination
{
    /// <inheritdoc cref="DestinationKind.Unknown"/>
    public static readonly Destination Unknown = new(DestinationKind.Unknown, "", null, null);

    /// <inheritdoc cref="DestinationKind.NotResolved"/>
    public static readonly Destination NotResolved = new(DestinationKind.NotResolved, "", null, null);

    /// <summary>The reason that is counted for a connection which was refused since nobody could say where it leads.</summary>
    public const string NotResolvedReason = "not_resolved";

    private readonly EndpointSet? _endpoint;

    private Destination(DestinationKind kind, string serviceName, KnownService? service, EndpointSet? endpoint) =>
        (Kind, ServiceName, Service, _endpoint) = (kind, serviceName, service, endpoint);

    public DestinationKind Kind { get; }

    /// <summary>The service, or the one that names the endpoint; empty where there is none.</summary>
    public string ServiceName { get; }

    /// <summary>Of a service: its endpoints as last pushed. Of an endpoint: it alone. Null: there is nothing to choose from.</summary>
    public EndpointSet? Endpoints => Service?.Endpoints ?? _endpoint;

    internal KnownService? Service { get; }

    internal static Destination Of(KnownService service) => new(DestinationKind.Service, service.Name, service, null);

    internal static Destination Of(string serviceName, EndpointSet endpoint) => new(DestinationKind.Endpoint, serviceName, null, endpoint);
}
