namespace Mesh.Spiffe;

/// <summary>What one trust domain publishes so that others can verify its identities. Immutable.</summary>
/// <remarks>Its revocations, bans and control-plane issuers bind its own trust domain alone.</remarks>
public sealed record TrustBundle
{
    /// <summary>How often to look for a newer bundle where nothing else is said (SPIFFE Federation §5).</summary>
    public static readonly TimeSpan DefaultRefreshHint = TimeSpan.FromMinutes(5);

    /// <summary>The trust domain that the bundle speaks for.</summary>
    public required TrustDomainName TrustDomain { get; init; }

    /// <summary>Grows with every change of the content; never negative.</summary>
    public required long Sequence { get; init; }

    /// <summary>Changes when a new first anchor replaced a lost one.</summary>
    public required long Epoch { get; init; }

    /// <summary>When the bundle was signed.</summary>
    public required DateTimeOffset SignedAt { get; init; }

    /// <summary>How often to look for a newer one; whole seconds, default 5 minutes.</summary>
    public TimeSpan RefreshHint { get; init; } = DefaultRefreshHint;

    /// <summary>The anchors; every stage verifies. None: nothing is trusted.</summary>
    public required IReadOnlyList<TrustAnchor> Anchors { get; init; }

    /// <summary>The only issuers that may sign identities below <c>/mesh/</c>, and they sign nothing else.</summary>
    public IReadOnlyList<KeyHash> ControlPlaneIssuers { get; init; } = [];

    /// <summary>The keys that sign join tokens.</summary>
    public IReadOnlyList<TokenKey> TokenKeys { get; init; } = [];

    /// <summary>Keys that no path may contain, be it leaf, issuer or anchor.</summary>
    public IReadOnlyList<Revocation> Revocations { get; init; } = [];

    /// <summary>Identities whose older leaves are refused.</summary>
    public IReadOnlyList<IdentityBan> Bans { get; init; } = [];

    /// <summary>What a restored trust domain has forgotten; null where nothing was.</summary>
    public HistoryGap? Forgotten { get; init; }

    /// <summary>The bundles of other trust domains.</summary>
    public IReadOnlyList<FederatedBundle> Federated { get; init; } = [];
}
