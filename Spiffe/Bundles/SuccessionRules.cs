namespace Mesh.Spiffe;

/// <summary>When a bundle may take the place of another: never back in time, never forgetting a revocation.</summary>
internal static class SuccessionRules
{
    /// <exception cref="BundleRejectedException">A rule is broken.</exception>
    public static void Check(TrustBundle next, TrustBundle held, DateTimeOffset now)
    {
        if (next.Sequence < held.Sequence)
        {
            throw new BundleRejectedException(
                BundleRejection.OlderSequence,
                $"The bundle has the sequence {next.Sequence}, and {held.Sequence} is held.");
        }

        if (next.Sequence == held.Sequence && !HaveSameContent(next, held))
        {
            throw new BundleRejectedException(
                BundleRejection.SameSequenceOtherContent,
                $"The bundle has the sequence {next.Sequence} of the one that is held, and says something else.");
        }

        if (IsStale(next) && !IsStale(held))
        {
            throw new BundleRejectedException(
                BundleRejection.StaleSignature,
                $"The bundle was signed at {Describe.Time(next.SignedAt)}, over {SignedBundle.Freshness.TotalMinutes:0} minutes ago, and a fresher one is held.");
        }

        var kept = next.Revocations.Select(revocation => revocation.KeyHash).ToHashSet();
        if (held.Revocations.FirstOrDefault(revocation => now <= revocation.AuthorityNotAfter && !kept.Contains(revocation.KeyHash)) is { } dropped)
        {
            throw new BundleRejectedException(
                BundleRejection.DroppedRevocation,
                $"The bundle lacks the revocation of the key {dropped.KeyHash}, which must stay until {Describe.Time(dropped.AuthorityNotAfter)}.");
        }

        bool IsStale(TrustBundle bundle) => now - bundle.SignedAt > SignedBundle.Freshness;
    }

    /// <summary>The time of signing apart: the same content may be signed again.</summary>
    private static bool HaveSameContent(TrustBundle one, TrustBundle other) =>
        TrustBundleJson.Write(one with { SignedAt = other.SignedAt }).AsSpan().SequenceEqual(TrustBundleJson.Write(other));
}
