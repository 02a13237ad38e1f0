using System.Collections.Concurrent;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Transport;

/// <summary>The open connections with an authenticated peer, judged again under each new bundle: a revocation ends them too.</summary>
internal sealed partial class LiveConnections
{
    private static readonly TimeSpan WholeLife = TimeSpan.FromDays(36_500);

    private readonly ConcurrentDictionary<Live, Action> _live = new();
    private readonly WorkloadIdentity _identity;
    private readonly RefusalCounters _refusals;
    private readonly ILogger<LiveConnections> _logger;
    private long _ended;

    public LiveConnections(WorkloadIdentity identity, RefusalCounters refusals, ILogger<LiveConnections> logger)
    {
        (_identity, _refusals, _logger) = (identity, refusals, logger);
        identity.BundleChanged += JudgeAgain;
    }

    /// <summary>Connections that were ended so far because a bundle had voided their peer's certificate.</summary>
    public long Ended => Interlocked.Read(ref _ended);

    /// <summary>Keeps a connection until the result is disposed.</summary>
    public IDisposable Add(string direction, IReadOnlyList<ReadOnlyMemory<byte>> chain, Action end)
    {
        var live = new Live(this, direction, chain);
        _live[live] = end;
        // The bundle may have changed since the handshake, or the lease ended; whoever looked then has not seen this connection.
        if (_identity.Verify(chain) is { IsValid: false } verification)
        {
            EndVoid(live, end, verification);
        }
        else if (!_identity.Lease.Holds)
        {
            End(live, end, "lease", "the trust lease has ended");
        }

        return live;
    }

    /// <summary>Ends every one, whoever its peer is.</summary>
    /// <param name="reason">As it is counted.</param>
    /// <param name="detail">As it is logged.</param>
    public void EndAll(string reason, string detail)
    {
        foreach (var (live, end) in _live)
        {
            End(live, end, reason, detail);
        }
    }

    private void JudgeAgain()
    {
        foreach (var (live, end) in _live)
        {
            // An expiry does not end a connection that was good when it began; only what the bundle says of its path does.
            var verification = _identity.Verifier.VerifyIgnoringExpiry(live.Chain, _identity.Bundles.Bundle, expected: null, WholeLife);
            if (!verification.IsValid)
            {
                EndVoid(live, end, verification);
            }
        }
    }

    private void EndVoid(Live live, Action end, SvidVerification verification)
    {
        if (End(live, end, verification.Rejection.ToString(), verification.Detail))
        {
            Interlocked.Increment(ref _ended);
        }
    }

    // False where it is being ended already.
    private bool End(Live live, Action end, string reason, string detail)
    {
        if (!_live.TryRemove(live, out _))
        {
            return false;
        }

        _refusals.Add(live.Direction, reason);
        Log.Ended(_logger, live.Direction, detail);
        end();
        return true;
    }

    private sealed class Live(LiveConnections owner, string direction, IReadOnlyList<ReadOnlyMemory<byte>> chain) : IDisposable
    {
        public string Direction => direction;

        public IReadOnlyList<ReadOnlyMemory<byte>> Chain => chain;

        public void Dispose() => owner._live.TryRemove(this, out _);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5601, Level = LogLevel.Warning, Message = "Ended an open {Direction} connection: {Detail}")]
        public static partial void Ended(ILogger logger, string direction, string detail);
    }
}
