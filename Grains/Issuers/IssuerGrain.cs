using Mesh.Grains.Certificates;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Issuers;

/// <inheritdoc cref="IIssuerGrain"/>
[GrainType("issuer"), KeepAlive]
internal sealed partial class IssuerGrain(
    [PersistentState("issuer")] IPersistentState<IssuerState> stored,
    IOptions<IssuerOptions> options,
    TimeProvider clock,
    ILogger<IssuerGrain> logger) : Grain, IIssuerGrain, IRemindable
{
    private const string ReconcileReminder = "reconcile";

    // How old the last confirmation may be before a caller waits for the next one, and before nobody is answered any more.
    private static readonly TimeSpan ConfirmEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConfirmWithin = TimeSpan.FromSeconds(5);

    private IssuerState _committed = new();
    private Task? _reconciling;
    private long _confirmedAt;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _committed = stored.State;
        var period = options.Value.ReconcilePeriod;
        await this.RegisterOrUpdateReminder(ReconcileReminder, period, period, cancellationToken);
        await ReconcileAsync();
    }

    public async Task<ActiveIssuer> GetActiveAsync(long epoch)
    {
        await ConfirmAsync(epoch);
        if (_committed.Epoch < epoch)
        {
            throw new MeshException(MeshError.Stale, $"This silo knows trust epoch {_committed.Epoch}; the caller has seen {epoch}.");
        }

        return _committed.Active is { } active
            ? new ActiveIssuer(active.KeyHash, active.Certificate, _committed.Epoch, _committed.SignedBundle)
            : throw new MeshException(MeshError.NotReady, $"No issuer is active for {this.GetPrimaryKeyString()}.");
    }

    public Task NudgeAsync() => ReconcileAsync();

    public Task ReceiveReminder(string reminderName, TickStatus status) => ReconcileAsync();

    // What was revoked a moment ago must not sign: without the trust domain's word from the last seconds nobody is answered.
    private async Task ConfirmAsync(long epoch)
    {
        if (_committed.Epoch >= epoch && clock.GetElapsedTime(_confirmedAt) <= ConfirmEvery)
        {
            return;
        }

        try
        {
            await ReconcileAsync();
        }
        catch (Exception e) when (e is not MeshException && clock.GetElapsedTime(_confirmedAt) <= ConfirmWithin)
        {
            Log.NotConfirmed(logger, GrainContext.GrainId, e.Message);
        }
        catch (Exception e) when (e is not MeshException)
        {
            throw new MeshException(MeshError.Stale, $"The trust domain has not been confirmed for {ConfirmWithin.TotalSeconds} s; nothing is signed. Try another silo.");
        }
    }

    // Readers interleave, so several may find the grain behind at once: they share one look at the trust domain.
    private Task ReconcileAsync() =>
        _reconciling is { IsCompleted: false } running ? running : _reconciling = ReconcileOnceAsync();

    private async Task ReconcileOnceAsync()
    {
        var (trustDomain, purpose) = IssuerKey.Parse(this.GetPrimaryKeyString());
        var asked = clock.GetTimestamp();
        var trust = await GrainFactory.GetGrain<ITrustDomainGrain>(trustDomain).ConfirmAsync();
        var next = _committed.Reconciled(trust, purpose.Word());
        if (ReferenceEquals(next, _committed))
        {
            _confirmedAt = asked;
            return;
        }

        await this.CommitAsync(stored, next);
        (_committed, _confirmedAt) = (next, asked);
        Log.Reconciled(logger, GrainContext.GrainId, next.Epoch, next.Active?.KeyHash);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "Issuer {Issuer} could not confirm what it knows: {Reason}")]
        public static partial void NotConfirmed(ILogger logger, GrainId issuer, string reason);

        [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Issuer {Issuer} reconciled with trust epoch {Epoch}; active {KeyHash}")]
        public static partial void Reconciled(ILogger logger, GrainId issuer, long epoch, KeyHash? keyHash);
    }
}
