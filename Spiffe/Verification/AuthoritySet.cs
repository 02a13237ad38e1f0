namespace Mesh.Spiffe;

/// <summary>What one trust domain's bundle says about that trust domain, made ready for looking up.</summary>
internal sealed class AuthoritySet
{
    private readonly HashSet<KeyHash> _controlPlaneIssuers;
    private readonly Dictionary<KeyHash, Revocation> _revocations = [];
    private readonly ILookup<SpiffeId, IdentityBan> _bans;

    private AuthoritySet(
        TrustDomainName trustDomain,
        IReadOnlyList<TrustAnchor> anchors,
        IReadOnlyList<KeyHash> controlPlaneIssuers,
        IReadOnlyList<Revocation> revocations,
        IReadOnlyList<IdentityBan> bans)
    {
        TrustDomain = trustDomain;
        Anchors = [.. anchors.Select(anchor => CertificateParser.Parse(anchor.CertificateDer))];
        _controlPlaneIssuers = [.. controlPlaneIssuers];
        _bans = bans.ToLookup(ban => ban.Id);
        foreach (var revocation in revocations)
        {
            _revocations[revocation.KeyHash] = revocation;
        }
    }

    public TrustDomainName TrustDomain { get; }

    public IReadOnlyList<ParsedCertificate> Anchors { get; }

    /// <exception cref="FormatException">An anchor can't be read; bundles that were parsed have none such.</exception>
    public static AuthoritySet Of(TrustBundle bundle) =>
        new(bundle.TrustDomain, bundle.Anchors, bundle.ControlPlaneIssuers, bundle.Revocations, bundle.Bans);

    /// <inheritdoc cref="Of(TrustBundle)"/>
    public static AuthoritySet Of(FederatedBundle bundle) =>
        new(bundle.TrustDomain, bundle.Anchors, bundle.ControlPlaneIssuers, bundle.Revocations, bundle.Bans);

    public bool IsControlPlaneIssuer(ParsedCertificate authority) => _controlPlaneIssuers.Contains(authority.KeyHash);

    public Revocation? RevocationOf(ParsedCertificate certificate) => _revocations.GetValueOrDefault(certificate.KeyHash);

    public IEnumerable<IdentityBan> BansOf(SpiffeId id) => _bans[id];
}
