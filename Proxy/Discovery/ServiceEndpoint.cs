using System.Net;
using Mesh.Spiffe;

namespace Mesh.Proxy.Discovery;

/// <summary>One endpoint, how quick and how busy it is, and whether it is set aside. Any number of threads may use it.</summary>
/// <param name="address">The inbound proxy, or the application where it is not meshed.</param>
/// <param name="identity">Who must answer there; null where it is not meshed.</param>
/// <param name="clock">Times what becomes of it.</param>
internal sealed class ServiceEndpoint(IPEndPoint address, SpiffeId? identity, EndpointClock clock)
{
    private PeakEwma _latency;
    private EndpointBackoff _backoff;
    private int _open;

    public IPEndPoint Address => address;

    public SpiffeId? Identity => identity;

    /// <summary>Connections that are open or being opened.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Peak EWMA: the expected time to connect, times what is open and the one to come. No unit; the lower is the better.</summary>
    /// <param name="now">By <see cref="EndpointClock"/>.</param>
    public double Cost(long now) => _latency.Estimate(now) * (Open + 1);

    /// <inheritdoc cref="EndpointBackoff.MayTry(long, bool)"/>
    public bool MayTry(long now, bool isLast) => _backoff.MayTry(now, isLast);

    /// <summary>Begins a connection where the endpoint is not set aside.</summary>
    /// <param name="now">By <see cref="EndpointClock"/>.</param>
    /// <param name="isLast">Nothing else is left to try.</param>
    /// <param name="attempt">Must be told what becomes of it.</param>
    public bool TryBegin(long now, bool isLast, out EndpointAttempt attempt)
    {
        if (!_backoff.TryBegin(now, isLast, out var isTrial))
        {
            attempt = default;
            return false;
        }

        attempt = Begin(isTrial);
        return true;
    }

    /// <summary>Begins a connection whatever is known of the endpoint: one that has just been tried, and is tried again.</summary>
    public EndpointAttempt BeginAgain() => Begin(isTrial: false);

    internal void Established(TimeSpan took)
    {
        _latency.Observe(took, clock.Now);
        _backoff.Succeeded();
    }

    internal void Failed(bool isTrial)
    {
        _backoff.Failed(clock.Now, isTrial, Random.Shared.NextDouble());
        Closed();
    }

    internal void Abandoned(bool isTrial)
    {
        _backoff.Abandoned(isTrial);
        Closed();
    }

    internal void Closed() => Interlocked.Decrement(ref _open);

    private EndpointAttempt Begin(bool isTrial)
    {
        Interlocked.Increment(ref _open);
        return new EndpointAttempt(this, isTrial);
    }
}

/// <summary>
/// A connection to an endpoint, from when it begins. It ends in one of three ways: <see cref="Failed"/>, <see cref="Abandoned"/>, or
/// <see cref="Established"/> and later <see cref="Closed"/>.
/// </summary>
/// <param name="Endpoint">Where to.</param>
/// <param name="IsTrial">The endpoint was set aside, and this connection finds out whether it is back.</param>
internal readonly record struct EndpointAttempt(ServiceEndpoint Endpoint, bool IsTrial)
{
    /// <summary>It carries traffic.</summary>
    /// <param name="took">From the first packet to the end of the handshake.</param>
    public void Established(TimeSpan took) => Endpoint.Established(took);

    /// <summary>An established connection has ended.</summary>
    public void Closed() => Endpoint.Closed();

    /// <summary>There is nobody, or not who should be: the endpoint is set aside.</summary>
    public void Failed() => Endpoint.Failed(IsTrial);

    /// <summary>It has ended before it was established, and that says nothing about the endpoint.</summary>
    public void Abandoned() => Endpoint.Abandoned(IsTrial);
}
