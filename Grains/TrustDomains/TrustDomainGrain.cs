using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Certificates;
using Mesh.Grains.Issuance;
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
    AuthorityRotator rotator,
    BundleSealer sealer,
    CertificateInstaller installer,
    GivenAnchors givenAnchors,
    TrustRestoration restoration,
    JoinTokenFactory tokens,
    IGrainStorage storage,
    IIssuanceStore issuance,
    TimeProvider clock,
    IOptions<IssuerOptions> issuerOptions,
    IHostApplicationLifetime host,
    IOptions<LeafOptions> leafOptions,
    ILogger<TrustDomainGrain> logger) : Grain, ITrustDomainGrain, ITrustFeed, IRemindable
{
    /// <summary>The name that storage rows carry.</summary>
    public const string StateName = "trust-domain";

    private readonly CommittedValue<TrustDomainState> _committed = new(state => state.Sequence, host.ApplicationStopping);

    // Looked at, at the most, before an anchor is retired.
    private const int MaxInstances = 10_000;

    private const int PrunedAtOnce = 10_000;

    private static readonly TimeSpan PruneAfter = TimeSpan.FromHours(1);

    private const string RotationReminder = "rotate";

    private static readonly TimeSpan ConfirmEvery = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    private Task _committing = Task.CompletedTask;
    private Task _confirming = Task.CompletedTask;
    private long _confirmedAt;
    private (long Sequence, long At, string Text) _confirmation;
    private IGrainTimer? _activation;

    public static GrainId IdOf(TrustDomainName trustDomain) => GrainId.Create("trust-domain", trustDomain.Name);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (!stored.RecordExists)
        {
            throw new MeshException(MeshError.NotFound, $"There is no trust domain {this.GetPrimaryKeyString()} here.");
        }

        _committed.Publish(stored.State);
        _confirmedAt = clock.GetTimestamp();
        var period = issuerOptions.Value.ReconcilePeriod;
        await this.RegisterOrUpdateReminder(RotationReminder, period, period, cancellationToken);
        WakeForActivation();
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        await RotateAsync();
        await PruneAsync();
    }

    public Task<TrustSnapshot> GetBundleAsync() => Task.FromResult(Snapshot(Committed));

    public Task<TrustDomainStatus> GetStatusAsync() => Task.FromResult(Report());

    public async Task<TrustDomainStatus> ConfirmAsync()
    {
        if (clock.GetElapsedTime(_confirmedAt) > ConfirmEvery)
        {
            await (_confirming.IsCompleted ? _confirming = ConfirmOnceAsync() : _confirming);
        }

        return Report();
    }

    public async Task<TrustSnapshot?> PollAsync(long knownSequence, CancellationToken cancellationToken) =>
        await _committed.PollAsync(knownSequence, cancellationToken) is { } state ? Snapshot(state) : null;

    public async Task<string> ConfirmBundleAsync()
    {
        await ConfirmAsync();
        var state = Committed;
        if (_confirmation.Sequence != state.Sequence || clock.GetElapsedTime(_confirmation.At) > ConfirmEvery)
        {
            var at = clock.GetTimestamp();
            _confirmation = (state.Sequence, at, await sealer.ConfirmAsync(state, CancellationToken.None));
        }

        return _confirmation.Text;
    }

    public Task<IssuedJoinToken> CreateJoinTokenAsync(SpiffeId subject, TimeSpan lifetime, IReadOnlyList<Uri> addresses) =>
        tokens.CreateAsync(Committed, subject, lifetime, addresses, CancellationToken.None);

    private TrustDomainState Committed =>
        _committed.Current ?? throw new MeshException(MeshError.NotReady, "The trust domain has not been read from its store yet.");

    private TrustDomainStatus Report() => TrustDomainReport.Of(Committed, issuerOptions.Value.RotateAt, clock.GetUtcNow());

    private Task<int> PruneAsync()
    {
        // A key renews until the recovery window after its certificate's end is over. Clocks differ, and there is no hurry.
        var past = clock.GetUtcNow() - PruneAfter;
        return issuance.PruneAsync(past - leafOptions.Value.RecoveryWindow, past, PrunedAtOnce, CancellationToken.None);
    }

    // Every step is committed before the next is looked for; what fails is due again at the next reminder.
    private async Task RotateAsync()
    {
        while (await rotator.StepAsync(Committed, CancellationToken.None) is { } next)
        {
            await CommitAsync(next);
            await NudgeAllAsync();
        }

        WarnOfOverdue();
    }

    // Reminders come by the minute; a successor that has been published long enough need not wait for one. One that stands by may wait for
    // months, which no timer can count.
    private void WakeForActivation()
    {
        _activation?.Dispose();
        _activation = rotator.UntilActivation(Committed) is { } wait && wait <= LongestTimer
            ? this.RegisterGrainTimer(RotateFromTimerAsync, wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan)
            : null;
    }

    // A timer counts whole milliseconds, and by another clock than the one that says what is due: it may come a moment early.
    private async Task RotateFromTimerAsync()
    {
        var isEarly = rotator.UntilActivation(Committed) > TimeSpan.Zero;
        await RotateAsync();
        if (isEarly)
        {
            WakeForActivation();
        }
    }

    private Task NudgeAsync(AuthorityPurpose purpose) => GrainFactory.GetGrain<IIssuerGrain>(IssuerKey.Of(Committed.Name, purpose)).NudgeAsync();

    private async Task NudgeAllAsync()
    {
        await NudgeAsync(AuthorityPurpose.Workload);
        await NudgeAsync(AuthorityPurpose.ControlPlane);
    }

    private static void CheckReason(string reason)
    {
        if (reason.Length > 256)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The reason has {reason.Length} characters; at most 256 are kept.");
        }
    }

    private Task CommitAsync(TrustDomainState next) => _committing = CommitOnceAsync(next);

    private async Task CommitOnceAsync(TrustDomainState next)
    {
        next = next.WithoutSpentBans(leafOptions.Value.RecoveryWindow, clock.GetUtcNow());
        next = await sealer.SealAsync(next with { Sequence = next.Sequence + 1, Epoch = next.Epoch + 1 }, CancellationToken.None);
        await this.CommitAsync(stored, next);
        _committed.Publish(next);
        WakeForActivation();
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

    private static string Short(KeyHash keyHash) => keyHash.ToString()[..16];

    private static string Word(AnchorStage stage) => stage.ToString().ToLowerInvariant();

    private static TrustSnapshot Snapshot(TrustDomainState state) => new(state.Sequence, state.Epoch, state.SignedBundle);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain}: held sequence {Held}, the store holds {Stored}; this activation ends")]
        public static partial void Overtaken(ILogger logger, string trustDomain, long held, long stored);

        [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Trust domain {TrustDomain} committed sequence {Sequence}, epoch {Epoch}")]
        public static partial void Committed(ILogger logger, string trustDomain, long sequence, long epoch);

        [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain} revoked {Purpose} {KeyHash}; successor {SuccessorKeyHash}")]
        public static partial void Revoked(ILogger logger, string trustDomain, string purpose, KeyHash keyHash, KeyHash? successorKeyHash);
    }
}
