using System.Collections.Immutable;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.TrustDomains;

/// <summary>Issuers: changed before their time, revoked, certified by an anchor whose key is elsewhere.</summary>
internal sealed partial class TrustDomainGrain
{
    private static readonly TimeSpan WarnEvery = TimeSpan.FromHours(1);

    private DateTimeOffset _warnedAt;

    public async Task<TrustSnapshot> RevokeIssuerAsync(KeyHash keyHash, string reason, bool withoutSuccessor)
    {
        CheckReason(reason);
        var state = Committed;
        if (state.IsRevoked(keyHash))
        {
            return Snapshot(state);
        }

        var revoked = state.Issuers.FirstOrDefault(issuer => issuer.KeyHash == keyHash)
            ?? throw new MeshException(MeshError.NotFound, $"No issuer of {state.Name} has the key {keyHash}.");
        await CommitAsync(await rotator.RevokeIssuerAsync(state, revoked, withoutSuccessor, reason, CancellationToken.None));
        Log.Revoked(logger, state.Name, revoked.Purpose.Word(), keyHash, Committed.ActiveIssuer(revoked.Purpose)?.KeyHash);
        await NudgeAsync(revoked.Purpose);
        await RotateAsync();
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> RotateIssuerAsync(string purpose)
    {
        var wanted = purpose is "workload" or "control-plane"
            ? AuthorityPurposes.Parse(purpose)
            : throw new MeshException(MeshError.InvalidRequest, $"'{purpose}' is not the purpose of an issuer: workload or control-plane.");
        // Where the anchor's key is elsewhere: what it has to sign is there before the refusal says so.
        await RotateAsync();
        var next = await rotator.RotateIssuerAsync(Committed, wanted, CancellationToken.None);
        if (!ReferenceEquals(next, Committed))
        {
            await CommitAsync(next);
            await NudgeAsync(wanted);
            await RotateAsync();
        }

        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> InstallCertificatesAsync(ImmutableArray<ReadOnlyMemory<byte>> certificates)
    {
        var next = await installer.InstallAsync(Committed, certificates, CancellationToken.None);
        if (!ReferenceEquals(next, Committed))
        {
            await CommitAsync(next);
            Log.Installed(logger, Committed.Name, certificates.Length, Committed.Requests.Length);
            await NudgeAllAsync();
            await RotateAsync();
        }

        return Snapshot(Committed);
    }

    // By the hour: who reads the log is not the one who opens the safe.
    private void WarnOfOverdue()
    {
        var now = clock.GetUtcNow();
        var overdue = Committed.Overdue(issuerOptions.Value.RotateAt, now);
        if (overdue.IsEmpty || now - _warnedAt < WarnEvery)
        {
            return;
        }

        _warnedAt = now;
        foreach (var request in overdue)
        {
            Log.AwaitsSignature(logger, Committed.Name, request.Use.Word(), request.KeyHash, request.Anchor, request.Since, Committed.EndOf(request.Use));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2005, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain}: the successor of the {Purpose} key awaits a signature. Key {KeyHash} waits for anchor {Anchor} since {Since}; the one in use ends at {NotAfter}. Sign what mesh issuer csr prints")]
        public static partial void AwaitsSignature(
            ILogger logger, string trustDomain, string purpose, KeyHash keyHash, KeyHash anchor, DateTimeOffset since, DateTimeOffset? notAfter);

        [LoggerMessage(EventId = 2006, Level = LogLevel.Information, Message = "Trust domain {TrustDomain} took {Count} certificates that its anchor signed elsewhere; {Waiting} keys wait for theirs")]
        public static partial void Installed(ILogger logger, string trustDomain, int count, int waiting);
    }
}
