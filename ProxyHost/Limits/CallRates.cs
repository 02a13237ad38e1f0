using System.Threading.RateLimiting;
using Mesh.ProxyHost.Hosting;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Limits;

/// <summary>Calls a second of each identity, and attempts to enroll a second of each address and in all.</summary>
/// <remarks>The framework forgets whoever has not called for ten seconds, so what is remembered is bounded by who is there.</remarks>
internal sealed class CallRates : IDisposable
{
    private readonly ProxyHostOptions _options;
    private readonly PartitionedRateLimiter<SpiffeId> _identities;
    private readonly PartitionedRateLimiter<string> _addresses;
    private readonly TokenBucketRateLimiter _enrollments;

    public CallRates(ProxyHostOptions options)
    {
        _options = options;
        _identities = PartitionedRateLimiter.Create<SpiffeId, SpiffeId>(
            id => RateLimitPartition.GetTokenBucketLimiter(id, _ => PerSecond(options.CallsPerSecond)));
        _addresses = PartitionedRateLimiter.Create<string, string>(
            address => RateLimitPartition.GetTokenBucketLimiter(address, _ => PerSecond(options.EnrollmentsPerSecondPerAddress)));
        _enrollments = new TokenBucketRateLimiter(PerSecond(options.EnrollmentsPerSecond));
    }

    /// <summary>Null where the identity may call now, else the name of the limit.</summary>
    public string? TakeCall(SpiffeId id)
    {
        using var lease = _identities.AttemptAcquire(id);
        return lease.IsAcquired ? null : nameof(_options.CallsPerSecond);
    }

    /// <summary>Null where somebody at the address may try to enroll now, else the name of the limit.</summary>
    /// <remarks>The address comes first: what it has too much takes nothing from the others.</remarks>
    public string? TakeEnrollment(string address)
    {
        using var own = _addresses.AttemptAcquire(address);
        if (!own.IsAcquired)
        {
            return nameof(_options.EnrollmentsPerSecondPerAddress);
        }

        using var all = _enrollments.AttemptAcquire();
        return all.IsAcquired ? null : nameof(_options.EnrollmentsPerSecond);
    }

    public void Dispose()
    {
        _identities.Dispose();
        _addresses.Dispose();
        _enrollments.Dispose();
    }

    private static TokenBucketRateLimiterOptions PerSecond(int calls) => new()
    {
        TokenLimit = calls,
        TokensPerPeriod = calls,
        ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        QueueLimit = 0,
    };
}
