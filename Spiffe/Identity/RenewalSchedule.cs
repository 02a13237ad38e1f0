namespace Mesh.Spiffe;

/// <summary>When a certificate is renewed. Pure: chance comes in as a number.</summary>
public static class RenewalSchedule
{
    private const double Share = 0.70;
    private const double Jitter = 0.05;

    /// <summary>The longest time over which all holders of a retiring anchor's certificates renew: 5 minutes, or a tenth of a certificate's life.</summary>
    private static readonly TimeSpan LongestSpread = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(10);

    /// <summary>How long to wait before renewing: to 65–75 % of the time between issue and expiry.</summary>
    /// <param name="svid">The certificate that is held.</param>
    /// <param name="now">The time.</param>
    /// <param name="chance">0 to 1, drawn anew each time, so that what was issued together is not renewed together.</param>
    public static TimeSpan RenewIn(X509Svid svid, DateTimeOffset now, double chance)
    {
        var issuedAt = svid.NotBefore + SvidProfile.Backdating;
        var due = issuedAt + ((svid.NotAfter - issuedAt) * (Share - Jitter + (2 * Jitter * chance)));
        return due > now ? due - now : TimeSpan.Zero;
    }

    /// <summary>How urgent it is to replace a certificate, by what the bundle in force says of its path.</summary>
    /// <param name="verdict">Of the certificate that is held, under that bundle.</param>
    /// <param name="bundle">The bundle in force.</param>
    public static RenewalUrgency UrgencyOf(SvidVerification verdict, TrustBundle bundle) => verdict switch
    {
        { IsValid: true } => bundle.Anchors.Any(anchor => anchor.KeyHash == verdict.Anchor && anchor.Stage == AnchorStage.Retiring)
            ? RenewalUrgency.Soon
            : RenewalUrgency.InTime,
        // A banned identity gets no other certificate, so there is no hurry.
        { Rejection: SvidRejection.Banned } => RenewalUrgency.InTime,
        _ => RenewalUrgency.AtOnce,
    };

    /// <summary>How long to wait before renewing where there may be a hurry: never longer than where there is none.</summary>
    /// <param name="svid">The certificate that is held.</param>
    /// <param name="urgency">See <see cref="UrgencyOf"/>. What is to happen soon is spread evenly over a tenth of the certificate's
    /// life, 5 minutes at the most, since everybody hears of it in the same moment.</param>
    /// <param name="now">The time.</param>
    /// <param name="chance">0 to 1.</param>
    public static TimeSpan RenewIn(X509Svid svid, RenewalUrgency urgency, DateTimeOffset now, double chance)
    {
        var regular = RenewIn(svid, now, chance);
        if (urgency == RenewalUrgency.InTime)
        {
            return regular;
        }

        var life = (svid.NotAfter - svid.NotBefore - SvidProfile.Backdating) / 10;
        var soon = (life < LongestSpread ? life : LongestSpread) * chance;
        return urgency == RenewalUrgency.AtOnce ? TimeSpan.Zero : soon < regular ? soon : regular;
    }

    /// <summary>How long to wait after a failure: some of what is left, 100 ms at the least and 10 s at the most.</summary>
    /// <param name="svid">The certificate that is held; null before the first.</param>
    /// <param name="failures">How many tries have failed in a row.</param>
    /// <param name="now">The time.</param>
    /// <param name="chance">0 to 1.</param>
    public static TimeSpan RetryIn(X509Svid? svid, int failures, DateTimeOffset now, double chance)
    {
        var backoff = TimeSpan.FromMilliseconds(Math.Min(ShortestWait.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 10)), LongestRetry.TotalMilliseconds));
        // While a certificate is still good there must be room for many tries before it ends.
        var left = svid is null ? LongestRetry : (svid.NotAfter - now) / 10;
        var wait = left > ShortestWait && left < backoff ? left : backoff;
        return wait * (1 - (0.2 * chance));
    }
}
