using Mesh.Grains.Certificates;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>
/// An anchor's way through its life: prepared, active, retiring, gone; standby beside it; or revoked. Pure: a state and what
/// becomes of it.
/// </summary>
/// <remarks>
/// Bundles stay signed under the old anchor until it is retired: whoever holds a join token with its hash alone can still enroll,
/// and whoever holds a bundle with both accepts either.
/// </remarks>
internal static class AnchorTransitions
{
    /// <summary>A new anchor is published, and the issuers that will sign under it; nothing is signed under it yet.</summary>
    public static TrustDomainState WithPreparedAnchor(this TrustDomainState state, AnchorRecord anchor, IReadOnlyList<IssuerRecord> issuers) => state with
    {
        // A standby that is taken into use was there already.
        Anchors = state.Anchors
            .RemoveAll(held => held.KeyHash == anchor.KeyHash)
            .Add(anchor with { Stage = AnchorStage.Prepared, SinceSequence = state.Sequence + 1 }),
        Issuers = state.Issuers.AddRange(issuers.Select(issuer => issuer with { Stage = IssuerStage.Prepared })),
    };

    /// <summary>The prepared anchor and its issuers are withdrawn; one that was the standby is that again.</summary>
    public static TrustDomainState WithoutPreparedAnchor(this TrustDomainState state, AnchorRecord prepared) => state.WithoutRequests(prepared.KeyHash) with
    {
        Anchors = prepared.WasStandby
            ? state.Anchors.Replace(prepared, prepared with { Stage = AnchorStage.Standby, WasStandby = false, SinceSequence = state.Sequence + 1 })
            : state.Anchors.Remove(prepared),
        Issuers = state.Issuers.RemoveAll(issuer => issuer.Anchor == prepared.KeyHash),
    };

    /// <summary>The prepared anchor's issuers sign from now on. The old anchor still verifies.</summary>
    public static TrustDomainState WithActivatedAnchor(this TrustDomainState state, AnchorRecord prepared, DateTimeOffset now, TimeSpan longestLeaf)
    {
        var old = state.ActiveAnchor;
        var next = state.WithoutRequests(old.KeyHash) with
        {
            Issuers = state.Issuers.RemoveAll(issuer => issuer.Stage == IssuerStage.Prepared && issuer.Anchor == old.KeyHash),
        };
        foreach (var issuer in state.Issuers.Where(issuer => issuer.Stage == IssuerStage.Prepared && issuer.Anchor == prepared.KeyHash))
        {
            next = next.WithActivated(issuer, now, longestLeaf);
        }

        return next with
        {
            Anchors = next.Anchors
                .Replace(old, old with { Stage = AnchorStage.Retiring, Since = now, SinceSequence = state.Sequence + 1 })
                .Replace(prepared, prepared with { Stage = AnchorStage.Active, Since = now, SinceSequence = state.Sequence + 1 }),
        };
    }

    /// <summary>The old anchor leaves the bundle, and bundles are signed under the new one.</summary>
    public static TrustDomainState WithoutRetiringAnchor(this TrustDomainState state, AnchorRecord retiring, BundleSignerRecord signer) => state with
    {
        Anchors = state.Anchors.Remove(retiring),
        Issuers = state.Issuers.RemoveAll(issuer => issuer.Anchor == retiring.KeyHash),
        BundleSigner = signer,
        NextBundleSigner = null,
    };

    /// <summary>Another standby in the place of the present one, under which nothing is.</summary>
    public static TrustDomainState WithStandby(this TrustDomainState state, AnchorRecord standby) => state with
    {
        Anchors = state.Anchors
            .RemoveAll(anchor => anchor.Stage == AnchorStage.Standby)
            .Add(standby with { Stage = AnchorStage.Standby, SinceSequence = state.Sequence + 1 }),
    };

    /// <summary>An anchor's key has come into the key store.</summary>
    public static TrustDomainState WithKeyOf(this TrustDomainState state, AnchorRecord anchor) => state.WithoutRequests(anchor.KeyHash) with
    {
        Anchors = state.Anchors.Replace(anchor, anchor with { IsOffline = false }),
    };

    /// <summary>Whether bundles could be signed under an anchor at once without its key.</summary>
    public static bool HasBundleSigner(this TrustDomainState state, AnchorRecord anchor) => state.NextBundleSigner?.Anchor == anchor.KeyHash;

    /// <summary>An anchor is void with all that it certified; a successor takes over in the same change.</summary>
    /// <param name="revoked">The anchor.</param>
    /// <param name="takeover">What stands in its place where it was the one that signs.</param>
    /// <param name="signer">Signs bundles from now on; null where the one in use is not under that anchor.</param>
    public static TrustDomainState WithRevokedAnchor(
        this TrustDomainState state, AnchorRecord revoked, AnchorTakeover? takeover, BundleSignerRecord? signer, DateTimeOffset now, string reason)
    {
        var next = state.WithoutRequests(revoked.KeyHash);
        next = next with
        {
            Anchors = state.Anchors.Remove(revoked),
            Issuers = state.Issuers.RemoveAll(issuer => issuer.Anchor == revoked.KeyHash),
            BundleSigner = signer ?? state.BundleSigner,
            NextBundleSigner = signer is null ? next.NextBundleSigner : null,
            Revocations = state.Revocations.Add(new RevocationRecord(revoked.KeyHash, now, revoked.NotAfter, reason)),
        };
        if (takeover is null)
        {
            return next;
        }

        next = next with { Anchors = next.Anchors.Replace(takeover.Anchor, takeover.Anchor with { Stage = AnchorStage.Active, Since = now, SinceSequence = state.Sequence + 1 }) };
        return takeover.Issuers.Aggregate(next, (held, issuer) => held.WithActivated(issuer, now, TimeSpan.Zero));
    }

    /// <summary>What keeps a retiring anchor in the bundle at this time, by name; empty: nothing does.</summary>
    /// <param name="live">How many instances hold a certificate of each issuer as their newest, by the record; null: there are too many to look at.</param>
    public static IReadOnlyList<string> HoldersOf(
        this TrustDomainState state, AnchorRecord anchor, IReadOnlyDictionary<KeyHash, int>? live, DateTimeOffset now) =>
        [.. state.Issuers.Where(issuer => issuer.Anchor == anchor.KeyHash).Select(issuer => WhyNeeded(issuer, live, now)).OfType<string>()];

    private static string? WhyNeeded(IssuerRecord issuer, IReadOnlyDictionary<KeyHash, int>? live, DateTimeOffset now)
    {
        var name = $"the {issuer.Purpose.Word()} issuer {issuer.KeyHash.ToString()[..16]}";
        return issuer.Stage != IssuerStage.Retiring ? $"{name}, which is {issuer.Stage.ToString().ToLowerInvariant()}"
            : now > issuer.LeavesUntil ? null
            : live is null ? $"leaves of {name}, the last of which ends at {issuer.LeavesUntil:u}"
            : live.GetValueOrDefault(issuer.KeyHash) is > 0 and var count ? $"{count} leaves of {name}, which are being renewed; the last ends at {issuer.LeavesUntil:u}"
            // What a signer signs that is some seconds behind is on record by then; and silos, whose own are not, renew as they hear of it.
            : now <= issuer.Since + IssuerTransitions.Slack ? $"leaves of {name}, which signed until a minute ago"
            : null;
    }
}

/// <summary>An anchor that the last bundle has named already, and the issuers under it that sign from now on.</summary>
internal sealed record AnchorTakeover(AnchorRecord Anchor, IReadOnlyList<IssuerRecord> Issuers);
