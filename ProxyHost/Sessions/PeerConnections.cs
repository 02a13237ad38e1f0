using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Mesh.ProxyHost.Enrollment;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Mesh.ProxyHost.Sessions;

/// <summary>
/// The proxies that are connected, by what their certificates said. A connection ends when its certificate does, and within a
/// second of a bundle that revokes or bans its peer.
/// </summary>
internal sealed partial class PeerConnections(ProxyHostIdentity identity, SessionInstruments instruments, TimeProvider clock, ILogger<PeerConnections> logger)
    : BackgroundService
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(1);
    private static readonly object PeerKey = new();

    private readonly ConcurrentDictionary<ConnectionContext, Peer> _peers = new();

    /// <summary>Judges the chain shown in a handshake; without one the connection is good for enrollment alone.</summary>
    public SvidVerification Check(ConnectionContext connection, IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        if (chain.Count == 0)
        {
            return new SvidVerification(SvidRejection.None, null, "No certificate: enrollment only.", DateTimeOffset.MaxValue);
        }

        var verification = Judge(chain);
        if (!verification.IsValid)
        {
            instruments.Refused(verification.Rejection.ToString());
            Log.Refused(logger, connection.RemoteEndPoint, verification.Rejection, verification.Detail);
            return verification;
        }

        connection.Items[PeerKey] = verification.Svid;
        _peers[connection] = new Peer(chain, verification.ValidUntil, identity.Bundle.Sequence);
        connection.ConnectionClosed.Register(() => _peers.TryRemove(connection, out _));
        return verification;
    }

    /// <summary>The verified identity on the other end of a request; false where it showed none.</summary>
    public static bool TryGet(HttpContext context, [NotNullWhen(true)] out X509Svid? svid)
    {
        svid = context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(PeerKey, out var item) == true ? (X509Svid?)item : null;
        return svid is not null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(SweepPeriod, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(tick => tick.IsCompletedSuccessfully && tick.Result, TaskScheduler.Default))
        {
            Sweep();
        }
    }

    private void Sweep()
    {
        var (now, sequence) = (clock.GetUtcNow(), identity.Bundle.Sequence);
        foreach (var (connection, peer) in _peers)
        {
            if (peer.Sequence == sequence && now <= peer.ValidUntil)
            {
                continue;
            }

            var verification = Judge(peer.Chain);
            if (verification.IsValid)
            {
                _peers.TryUpdate(connection, peer with { Sequence = sequence, ValidUntil = verification.ValidUntil + SvidProfile.ClockSkew }, peer);
                continue;
            }

            instruments.Refused(verification.Rejection.ToString());
            Log.Ended(logger, connection.RemoteEndPoint, verification.Rejection, verification.Detail);
            connection.Abort(new ConnectionAbortedException(verification.Detail));
        }
    }

    private SvidVerification Judge(IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        var verification = identity.Verifier.Verify(chain, identity.Bundle);
        return !verification.IsValid || verification.Svid!.Id.Role == IdentityRole.Workload
            ? verification
            : verification with { Rejection = SvidRejection.NotPermitted, Detail = $"{verification.Svid.Id} is not a workload." };
    }

    private sealed record Peer(IReadOnlyList<ReadOnlyMemory<byte>> Chain, DateTimeOffset ValidUntil, long Sequence);

    private static partial class Log
    {
        [LoggerMessage(EventId = 3201, Level = LogLevel.Warning, Message = "Refused {Peer}: {Rejection}: {Detail}")]
        public static partial void Refused(ILogger logger, System.Net.EndPoint? peer, SvidRejection rejection, string detail);

        [LoggerMessage(EventId = 3202, Level = LogLevel.Warning, Message = "Ended the session of {Peer}: {Rejection}: {Detail}")]
        public static partial void Ended(ILogger logger, System.Net.EndPoint? peer, SvidRejection rejection, string detail);
    }
}
