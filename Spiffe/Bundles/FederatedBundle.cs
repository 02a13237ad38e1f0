namespace Mesh.Spiffe;

/// <summary>What is known of another trust domain. It vouches for that trust domain and for no other.</summary>
/// <param name="TrustDomain">The other trust domain.</param>
/// <param name="Anchors">Its anchors. None: nothing of it is trusted.</param>
/// <param name="Sequence">Its own sequence; 0 where it publishes none.</param>
public sealed record FederatedBundle(TrustDomainName TrustDomain, IReadOnlyList<TrustAnchor> Anchors, long Sequence)
{
    /// <summary>Its control-plane issuers; without them none of its identities below <c>/mesh/</c> is accepted.</summary>
    public IReadOnlyList<KeyHash> ControlPlaneIssuers { get; init; } = [];

    /// <summary>Its revocations, which bind its own trust domain alone.</summary>
    public IReadOnlyList<Revocation> Revocations { get; init; } = [];

    /// <summary>Its bans, which bind its own identities alone.</summary>
    public IReadOnlyList<IdentityBan> Bans { get; init; } = [];
}
