namespace Mesh.Spiffe;

/// <summary>A trust bundle made ready for verifying, with the leaves that it verified before.</summary>
/// <remarks>Remembered leaves go with their bundle: a newer bundle, with a revocation perhaps, starts without any.</remarks>
internal sealed class PreparedBundle
{
    private const int MaxRemembered = 4096;

    private readonly Dictionary<TrustDomainName, AuthoritySet> _authorities = [];
    private readonly Dictionary<KeyHash, VerifiedLeaf> _remembered = [];
    private readonly Lock _lock = new();

    public PreparedBundle(TrustBundle bundle)
    {
        _authorities.Add(bundle.TrustDomain, AuthoritySet.Of(bundle));
        foreach (var federated in bundle.Federated)
        {
            // A federated bundle vouches for its own trust domain; it never adds to ours, and two never mix.
            _authorities.TryAdd(federated.TrustDomain, AuthoritySet.Of(federated));
        }
    }

    public AuthoritySet? Find(TrustDomainName trustDomain) => _authorities.GetValueOrDefault(trustDomain);

    public VerifiedLeaf? Recall(KeyHash chain)
    {
        lock (_lock)
        {
            return _remembered.GetValueOrDefault(chain);
        }
    }

    public void Remember(KeyHash chain, VerifiedLeaf leaf)
    {
        lock (_lock)
        {
            if (_remembered.Count >= MaxRemembered)
            {
                _remembered.Clear();
            }

            _remembered[chain] = leaf;
        }
    }
}

/// <summary>A leaf that passed every rule, the time in which its whole path is valid, and the anchor that it ends in.</summary>
internal sealed record VerifiedLeaf(X509Svid Svid, DateTimeOffset NotBefore, DateTimeOffset NotAfter, KeyHash Anchor);
