using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Policy;

/// <summary>Whether a connection may reach the application. Pure; what it does not know it refuses.</summary>
internal static class InboundAuthorizer
{
    /// <summary>Null where the client may come in, else why not.</summary>
    /// <param name="policy">The workload's default policy.</param>
    /// <param name="client">The client's verified identity; null where it has none.</param>
    /// <param name="own">The workload's trust domain.</param>
    public static string? Refusal(DefaultPolicy policy, SpiffeId? client, TrustDomainName own)
    {
        // The control plane has no business with applications; a certificate of its own that turns up here was stolen.
        if (client is { IsControlPlane: true })
        {
            return "a control-plane identity may not call applications";
        }

        return (policy, client) switch
        {
            (DefaultPolicy.AllUnauthenticated, _) => null,
            (DefaultPolicy.AllAuthenticated, not null) => null,
            (DefaultPolicy.ClusterAuthenticated, { } id) when id.TrustDomain == own => null,
            (DefaultPolicy.ClusterAuthenticated, not null) => "the policy admits clients of this trust domain alone",
            (DefaultPolicy.ClusterAuthenticated or DefaultPolicy.AllAuthenticated, null) => "the policy admits authenticated clients alone",
            _ => "the policy admits nobody",
        };
    }
}
