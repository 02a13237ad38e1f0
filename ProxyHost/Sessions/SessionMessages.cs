using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Proxy.V1;

namespace Mesh.ProxyHost.Sessions;

/// <summary>From what grains say to what proxies hear.</summary>
internal static class SessionMessages
{
    // A service that is watched says itself when an address is no longer its own.
    private static readonly TimeSpan KnownFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan EndpointFor = TimeSpan.FromSeconds(10);

    // So soon is a service noticed that has come to an address which was in use before.
    private static readonly TimeSpan UnknownFor = TimeSpan.FromSeconds(5);

    public static CertifyResponse ToMessage(IssuedSvid issued) => new()
    {
        Chain = { issued.Chain.Select(der => ByteString.CopyFrom(der.Span)) },
        NotAfter = issued.NotAfter.ToTimestamp(),
        ReenrollmentToken = issued.ReenrollmentToken ?? "",
        SignedBundle = issued.SignedBundle,
    };

    public static Service ToMessage(ServiceSnapshot service) => new()
    {
        Name = service.Name,
        Version = service.Version,
        Endpoints = { service.Endpoints.Select(ToMessage) },
        Addresses = { service.Addresses },
    };

    public static ResolveAddressResponse ToMessage(ResolvedAddress resolved) => resolved switch
    {
        { Service: { } service } => new() { Service = ToMessage(service), HoldsFor = KnownFor.ToDuration() },
        { Endpoint: { } endpoint } => new()
        {
            Endpoint = new EndpointOfService { Service = endpoint.Service, Endpoint = ToMessage(endpoint.Endpoint) },
            HoldsFor = EndpointFor.ToDuration(),
        },
        _ => new() { HoldsFor = UnknownFor.ToDuration() },
    };

    public static WorkloadPolicy ToMessage(PolicySnapshot policy, string serviceAccount) => new()
    {
        Version = policy.Version,
        DefaultPolicy = policy.ModeOf(serviceAccount) switch
        {
            DefaultPolicyMode.Deny => DefaultPolicy.Deny,
            DefaultPolicyMode.ClusterAuthenticated => DefaultPolicy.ClusterAuthenticated,
            DefaultPolicyMode.AllAuthenticated => DefaultPolicy.AllAuthenticated,
            DefaultPolicyMode.AllUnauthenticated => DefaultPolicy.AllUnauthenticated,
            // A mode that this version does not know admits nobody.
            _ => DefaultPolicy.Deny,
        },
        OpaquePorts = policy.OpaquePortsOf(serviceAccount) is { } ports
            ? new PortRanges { Ranges = { ports.Select(range => new Mesh.Proxy.V1.PortRange { First = (uint)range.First, Last = (uint)range.Last }) } }
            : null,
    };

    public static bool HasContent(this WatchResponse response) =>
        response.SignedBundle.Length > 0 || response.Policy is not null || response.Services.Count > 0;

    private static Mesh.Proxy.V1.Endpoint ToMessage(ServiceEndpoint endpoint) => new()
    {
        Address = endpoint.Address,
        SpiffeId = endpoint.Identity?.ToString() ?? "",
    };
}
