using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>Every state that a trust domain has ever stored, judged as it is stored: what holds for one that no caller ever heard of, too.</summary>
internal sealed class BundleHistory
{
    private readonly List<TrustBundle> _bundles = [];
    private readonly HashSet<string> _stored = [];
    private readonly Lock _gate = new();
    private string? _broken;

    public BundleHistory(SharedGrainStorage storage) => storage.Stored = Add;

    public int Count => _bundles.Count;

    public TrustBundle Newest => At(DateTimeOffset.MaxValue);

    /// <summary>The bundle that a verifier holds who has heard of nothing since this time.</summary>
    public TrustBundle At(DateTimeOffset time)
    {
        lock (_gate)
        {
            return _bundles.FindLast(bundle => bundle.SignedAt <= time) ?? _bundles[0];
        }
    }

    /// <summary>Fails where anything that was stored broke a rule.</summary>
    public void Check() => Assert.True(_broken is null, _broken);

    /// <summary>Fails where a caller was told anything but what was stored: one sequence has one content.</summary>
    public void CheckTold(string signedBundle)
    {
        lock (_gate)
        {
            // No two that were stored have the same sequence; see below.
            Assert.True(_stored.Contains(signedBundle), $"A caller was told a bundle that was never stored: {signedBundle}");
        }
    }

    private void Add(object? stored)
    {
        if (stored is not TrustDomainState state)
        {
            return;
        }

        lock (_gate)
        {
            _broken ??= WhatIsWrongWith(state);
            _bundles.Add(SignedBundle.Parse(state.SignedBundle).Bundle);
            _stored.Add(state.SignedBundle);
        }
    }

    private string? WhatIsWrongWith(TrustDomainState state)
    {
        if (_bundles.Count > 0 && state.Sequence != _bundles[^1].Sequence + 1)
        {
            return $"Sequence {state.Sequence} was stored after {_bundles[^1].Sequence}.";
        }

        if (state.Anchors.Count(anchor => anchor.Stage == AnchorStage.Active) != 1)
        {
            return $"Sequence {state.Sequence} has {state.Anchors.Count(anchor => anchor.Stage == AnchorStage.Active)} active anchors.";
        }

        if (Enum.GetValues<AuthorityPurpose>().FirstOrDefault(purpose => state.Issuers.Count(issuer => issuer.Purpose == purpose && issuer.Stage == IssuerStage.Active) != 1) is var odd and not 0)
        {
            return $"Sequence {state.Sequence} has not exactly one active {odd} issuer.";
        }

        return state.Issuers.FirstOrDefault(issuer => issuer.NotAfter > state.Anchors.Single(anchor => anchor.KeyHash == issuer.Anchor).NotAfter) is { } outliving
            ? $"Issuer {outliving.KeyHash} outlives its anchor."
            : null;
    }
}
