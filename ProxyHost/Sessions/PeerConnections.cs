using System.Diagnostics.CodeAnalysis;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Hosting;
using Mesh.ProxyHost.Limits;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Connections;

namespace Mesh.ProxyHost.Sessions;

/// <summary>
/// Judges the proxies that connect by what their certificates say. A connection ends when its certificate does, and within two
/// seconds of a bundle that revokes or bans its peer.
/// </summary>
internal sealed partial class PeerConnections(
    ProxyHostIdentity identity, ProxyHostOptions options, ConnectionGate gate, SessionInstruments instruments, LogGate logGate, Refusals refusals,
    TimeProvider clock, ILogger<PeerConnections> logger)
    : BackgroundService
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(1);

    /// <summary>Judges the chain shown in a handshake; without one the connection is good for enrollment alone.</summary>
    public SvidVerification Check(ConnectionContext connection, IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        var peer = PeerConnection.Of(connection)!;
        peer.IsJudged = true;
        if (chain.Count == 0)
        {
            return new SvidVerification(SvidRejection.None, null, "No certificate: enrollment only.", DateTimeOffset.MaxValue);
        }

        // One bundle for verdict and sequence: with a newer sequence, a verdict under the older would never be looked at again.
        var bundle = identity.Bundle;
        var verification = Judge(chain, bundle);
        if (!verification.IsValid)
        {
            instruments.Refused(verification.Rejection.ToString());
            if (logGate.Opens(peer.Address, out var suppressed))
            {
                Log.Refused(logger, connection.RemoteEndPoint, verification.Rejection, verification.Detail, suppressed);
            }

            return verification;
        }

        if (!gate.TryProve(peer, new ProvenPeer(verification.Svid!, chain, verification.ValidUntil, bundle.Sequence)))
        {
            var detail = $"{verification.Svid!.Id} has {options.MaxConnectionsPerIdentity} connections already.";
            refusals.Connection(nameof(options.MaxConnectionsPerIdentity), verification.Svid.Id.ToString(), detail);
            return verification.Refused(SvidRejection.NotPermitted, detail);
        }

        return verification;
    }

    /// <summary>The verified identity on the other end of a request; false where it showed none.</summary>
    public static bool TryGet(HttpContext context, [NotNullWhen(true)] out X509Svid? svid)
    {
        svid = PeerConnection.Of(context)?.Proven?.Svid;
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
        var (now, bundle) = (clock.GetUtcNow(), identity.Bundle);
        foreach (var peer in gate.Open)
        {
            if (peer.Proven is { } proven)
            {
                JudgeAgain(peer, proven, now, bundle);
            }
            else if (now - peer.OpenedAt > options.UnprovenLifetime)
            {
                refusals.Connection(nameof(options.UnprovenLifetime), peer.Address, "It has shown no certificate for too long.");
                peer.Abort("A connection without a certificate is for enrollment, and that is soon done.");
            }
        }
    }

    private void JudgeAgain(PeerConnection peer, ProvenPeer proven, DateTimeOffset now, TrustBundle bundle)
    {
        if (proven.Sequence == bundle.Sequence && now <= proven.ValidUntil)
        {
            return;
        }

        var verification = Judge(proven.Chain, bundle);
        if (verification.IsValid)
        {
            peer.Proven = proven with { Sequence = bundle.Sequence, ValidUntil = verification.ValidUntil + SvidProfile.ClockSkew };
            return;
        }

        instruments.Refused(verification.Rejection.ToString());
        if (logGate.Opens(peer.Name, out var suppressed))
        {
            Log.Ended(logger, peer.Name, verification.Rejection, verification.Detail, suppressed);
        }

        peer.Abort(verification.Detail);
    }

    private SvidVerification Judge(IReadOnlyList<ReadOnlyMemory<byte>> chain, TrustBundle bundle)
    {
        var verification = identity.Verifier.Verify(chain, bundle);
        return !verification.IsValid || verification.Svid!.Id.Role == IdentityRole.Workload
            ? verification
            : verification with { Rejection = SvidRejection.NotPermitted, Detail = $"{verification.Svid.Id} is not a workload." };
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3201, Level = LogLevel.Warning, Message = "Refused {Peer}: {Rejection}: {Detail} ({Suppressed} lines about this peer were left out)")]
        public static partial void Refused(ILogger logger, System.Net.EndPoint? peer, SvidRejection rejection, string detail, long suppressed);

        [LoggerMessage(EventId = 3202, Level = LogLevel.Warning, Message = "Ended the session of {Peer}: {Rejection}: {Detail} ({Suppressed} lines about this peer were left out)")]
        public static partial void Ended(ILogger logger, string peer, SvidRejection rejection, string detail, long suppressed);
    }
}
