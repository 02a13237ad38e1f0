namespace Mesh.Spiffe;

/// <summary>When a certificate is renewed. Pure: chance comes in as a number.</summary>
public static class RenewalSchedule
{
    private const double Share = 0.70;
    private const double Jitter = 0.05;

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
