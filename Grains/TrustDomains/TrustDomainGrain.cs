using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;
using Mesh.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace Mesh.Grains.TrustDomains;

/// <inheritdoc cref="ITrustDomainGrain"/>
[GrainType("trust-domain"), KeepAlive]
internal sealed partial class TrustDomainGrain(
    [PersistentState(TrustDomainGrain.StateName)] IPersistentState<TrustDomainState> stored,
    AuthorityFactory authorities,
    BundleSealer sealer,
    JoinTokenFactory tokens,
    IGrainStorage storage,
    TimeProvider clock,
    IHostApplicationLifetime host,
    IOptions<LeafOptions> leaves,
    ILogger<TrustDomainGrain> logger) : Grain, ITrustDomainGrain, ITrustFeed
{
    /// <summary>The name that storage rows carry.</summary>
    public const string StateName = "trust-domain";

    private readonly CommittedValue<TrustDomainState> _committed = new(state => state.Sequence, host.ApplicationStopping);

    private static readonly TimeSpan ConfirmEvery = TimeSpan.FromSeconds(1);

    private Task _committing = Task.CompletedTask;
    private Task _confirming = Task.CompletedTask;
    private long _confirmedAt;

    public static GrainId IdOf(TrustDomainName trustDomain) => GrainId.Create("trust-domain", trustDomain.Name);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (!stored.RecordExists)
        {
            throw new MeshException(MeshError.NotFound, $"There is no trust domain {this.GetPrimaryKeyString()} here.");
        }

        _committed.Publish(stored.State);
        _confirmedAt = clock.GetTimestamp();
        return Task.CompletedTask;
    }

    public Task<TrustSnapshot> GetBundleAsync() => Task.FromResult(Snapshot(Committed));

    public Task<TrustDomainStatus> GetStatusAsync() => Task.FromResult(TrustDomainReport.Of(Committed));

    public async Task<TrustDomainStatus> ConfirmAsync()
    {
        if (clock.GetElapsedTime(_confirmedAt) > ConfirmEvery)
        {
            await (_confirming.IsCompleted ? _confirming = ConfirmOnceAsync() : _confirming);
        }

        return TrustDomainReport.Of(Committed);
    }

    public async Task<TrustSnapshot?> PollAsync(long knownSequence, CancellationToken cancellationToken) =>
        await _committed.PollAsync(knownSequence, cancellationToken) is { } state ? Snapshot(state) : null;

    public Task<IssuedJoinToken> CreateJoinTokenAsync(SpiffeId subject, TimeSpan lifetime, IReadOnlyList<Uri> addresses) =>
        tokens.CreateAsync(Committed, subject, lifetime, addresses, CancellationToken.None);

    public async Task<TrustSnapshot> RevokeIssuerAsync(KeyHash keyHash, string reason)
    {
        if (reason.Length > 256)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The reason has {reason.Length} characters; at most 256 are kept.");
        }

        var state = Committed;
        if (state.IsRevoked(keyHash))
        {
            return Snapshot(state);
        }

        var revoked = state.Issuers.FirstOrDefault(issuer => issuer.KeyHash == keyHash)
            ?? throw new MeshException(MeshError.NotFound, $"No issuer of {state.Name} has the key {keyHash}.");
        var successor = revoked.Stage == IssuerStage.Active ? await SuccessorAsync(state, revoked.Purpose) : null;
        await CommitAsync(state.WithRevokedIssuer(revoked, successor, clock.GetUtcNow(), reason));
        Log.IssuerRevoked(logger, state.Name, keyHash, successor?.KeyHash);
        await GrainFactory.GetGrain<IIssuerGrain>(IssuerKey.Of(state.Name, revoked.Purpose)).NudgeAsync();
        return Snapshot(Committed);
    }

    private TrustDomainState Committed =>
        _committed.Current ?? throw new MeshException(MeshError.NotReady, "The trust domain has not been read from its store yet.");

    private async Task<IssuerRecord> SuccessorAsync(TrustDomainState state, AuthorityPurpose purpose) =>
        state.Issuers.FirstOrDefault(issuer => issuer.Purpose == purpose && issuer.Stage == IssuerStage.Prepared)
        ?? await authorities.CreateIssuerAsync(
            TrustDomainName.Parse(state.Name), purpose, IssuerStage.Prepared, state.ActiveAnchor, CancellationToken.None);

    private Task CommitAsync(TrustDomainState next) => _committing = CommitOnceAsync(next);

    private async Task CommitOnceAsync(TrustDomainState next)
    {
        next = next.WithoutSpentBans(leaves.Value.RecoveryWindow, clock.GetUtcNow());
        next = await sealer.SealAsync(next with { Sequence = next.Sequence + 1, Epoch = next.Epoch + 1 }, CancellationToken.None);
        await this.CommitAsync(stored, next);
        _committed.Publish(next);
        Log.Committed(logger, next.Name, next.Sequence, next.Epoch);
    }

    // One activation is a promise that a partition breaks: another silo may have written what this one has not heard of.
    private async Task ConfirmOnceAsync()
    {
        var asked = clock.GetTimestamp();
        var row = new GrainState<TrustDomainState>(new TrustDomainState());
        await storage.ReadStateAsync(StateName, this.GetGrainId(), row);
        // What was read may be a commit of this activation's own, which is published once its write has returned.
        await _committing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (row.State is { } found && found.Sequence > Committed.Sequence)
        {
            Log.Overtaken(logger, Committed.Name, Committed.Sequence, found.Sequence);
            this.DeactivateOnIdle();
            throw new MeshException(MeshError.Stale, $"Another silo has changed trust domain {Committed.Name}. Ask again.");
        }

        _confirmedAt = asked;
    }

    private static TrustSnapshot Snapshot(TrustDomainState state) => new(state.Sequence, state.Epoch, state.SignedBundle);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain}: held sequence {Held}, the store holds {Stored}; this activation ends")]
        public static partial void Overtaken(ILogger logger, string trustDomain, long held, long stored);

        [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Trust domain {TrustDomain} committed sequence {Sequence}, epoch {Epoch}")]
        public static partial void Committed(ILogger logger, string trustDomain, long sequence, long epoch);

        [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain} revoked issuer {KeyHash}; successor {SuccessorKeyHash}")]
        public static partial void IssuerRevoked(ILogger logger, string trustDomain, KeyHash keyHash, KeyHash? successorKeyHash);
    }
}
