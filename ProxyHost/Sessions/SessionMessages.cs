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
        Endpoints =
        {
            service.Endpoints.Select(endpoint => new Mesh.Proxy.V1.Endpoint
            {
                Address = endpoint.Address,
                SpiffeId = endpoint.Identity?.ToString() ?? "",
            }),
        },
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
    };

    public static bool HasContent(this WatchResponse response) =>
        response.SignedBundle.Length > 0 || response.Policy is not null || response.Services.Count > 0;
}
