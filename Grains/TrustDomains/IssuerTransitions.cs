using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>An issuer's way through its life: prepared, active, retiring, gone; or revoked. Pure: a state and what becomes of it.</summary>
internal static class IssuerTransitions
{
    /// <summary>Clocks differ, and a signer may use the issuer that it knows for some seconds more.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    /// <summary>A successor, published and not signing yet.</summary>
    public static TrustDomainState WithPrepared(this TrustDomainState state, IssuerRecord issuer) =>
        state with { Issuers = state.Issuers.Add(issuer with { Stage = IssuerStage.Prepared }) };

    /// <summary>An issuer takes over from the one that signs, which stays known until its last leaf has ended.</summary>
    /// <param name="longestLeaf">How long the leaves live that the predecessor has signed.</param>
    public static TrustDomainState WithActivated(this TrustDomainState state, IssuerRecord issuer, DateTimeOffset now, TimeSpan longestLeaf)
    {
        var issuers = state.Issuers.RemoveAll(other => other.KeyHash == issuer.KeyHash);
        if (state.ActiveIssuer(issuer.Purpose) is { } active)
        {
            issuers = issuers.Replace(active, Retiring(active, now, longestLeaf));
        }

        return state with { Issuers = issuers.Add(issuer with { Stage = IssuerStage.Active, Since = now }) };
    }

    /// <summary>No issuer under an anchor signs any more; what they have signed stays good.</summary>
    public static TrustDomainState WithoutSigning(this TrustDomainState state, KeyHash anchor, DateTimeOffset now, TimeSpan longestLeaf) => state with
    {
        Issuers = [.. state.Issuers
            .Where(issuer => issuer.Anchor != anchor || issuer.Stage != IssuerStage.Prepared)
            .Select(issuer => issuer.Anchor == anchor && issuer.Stage == IssuerStage.Active ? Retiring(issuer, now, longestLeaf) : issuer)],
    };

    /// <summary>Forgotten: nothing under it is good any more.</summary>
    public static TrustDomainState Without(this TrustDomainState state, IssuerRecord issuer) =>
        state with { Issuers = state.Issuers.Remove(issuer) };

    /// <summary>An issuer revoked; its successor, where it was the one that signs, takes over in the same change.</summary>
    public static TrustDomainState WithRevoked(
        this TrustDomainState state, IssuerRecord revoked, IssuerRecord? successor, DateTimeOffset now, string reason)
    {
        var next = state.Without(revoked);
        if (successor is not null)
        {
            next = next.WithActivated(successor, now, TimeSpan.Zero);
        }

        return next with { Revocations = next.Revocations.Add(new RevocationRecord(revoked.KeyHash, now, revoked.NotAfter, reason)) };
    }

    private static IssuerRecord Retiring(IssuerRecord active, DateTimeOffset now, TimeSpan longestLeaf)
    {
        var leavesUntil = now + longestLeaf < active.NotAfter ? now + longestLeaf : active.NotAfter;
        return active with { Stage = IssuerStage.Retiring, Since = now, LeavesUntil = leavesUntil + Slack };
    }
}
