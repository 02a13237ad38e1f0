using System.Collections.Immutable;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuers;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.TrustDomains;

/// <summary>Bans: pronounced, lifted, listed.</summary>
internal sealed partial class TrustDomainGrain
{
    public Task<ImmutableArray<BanStatus>> GetBansAsync() => Task.FromResult(Committed.Bans.Select(ban => ban.ToStatus()).ToImmutableArray());

    public async Task<TrustSnapshot> BanAsync(SpiffeId id, string reason)
    {
        CheckBan(id, reason);
        if (BanOf(id) is { Stands: true })
        {
            return Snapshot(Committed);
        }

        var now = clock.GetUtcNow();
        await CommitAsync(Committed.WithoutSpentBans(leafOptions.Value.RecoveryWindow, now).WithBan(id, reason, now));
        Log.Banned(logger, id, reason);
        await NudgeWorkloadIssuerAsync();
        return Snapshot(Committed);
    }

    public async Task<BanStatus> UnbanAsync(SpiffeId id)
    {
        var ban = BanOf(id) ?? throw new MeshException(MeshError.NotFound, $"{id} is not banned.");
        if (!ban.Stands)
        {
            return ban.ToStatus();
        }

        await CommitAsync(Committed.WithLiftedBan(ban, clock.GetUtcNow()));
        var lifted = BanOf(id)!;
        Log.Unbanned(logger, id, lifted.IssuedBefore);
        await NudgeWorkloadIssuerAsync();
        return lifted.ToStatus();
    }

    private BanRecord? BanOf(SpiffeId id) => Committed.Bans.FirstOrDefault(ban => ban.Id == id);

    private void CheckBan(SpiffeId id, string reason)
    {
        if (id.TrustDomain.Name != Committed.Name || id.Role != IdentityRole.Workload)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{id} is not a workload of {Committed.Name}.");
        }

        if (reason.Length > BanRules.MaxReasonChars || reason.Any(char.IsControl))
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"A reason is one line of at most {BanRules.MaxReasonChars} characters; this one has {reason.Length}.");
        }
    }

    // Without it, signers would hear of the ban within a second.
    private Task NudgeWorkloadIssuerAsync() =>
        GrainFactory.GetGrain<IIssuerGrain>(IssuerKey.Of(Committed.Name, AuthorityPurpose.Workload)).NudgeAsync();

    private static partial class Log
    {
        [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "Identity {SpiffeId} banned: {Reason}")]
        public static partial void Banned(ILogger logger, SpiffeId spiffeId, string reason);

        [LoggerMessage(EventId = 2051, Level = LogLevel.Warning, Message = "The ban of {SpiffeId} is lifted; what was issued before {IssuedBefore:O} stays refused")]
        public static partial void Unbanned(ILogger logger, SpiffeId spiffeId, DateTimeOffset issuedBefore);
    }
}
