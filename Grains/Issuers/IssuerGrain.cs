using Mesh.Grains.Certificates;
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
    ILogger<IssuerGrain> logger) : Grain, IIssuerGrain, IRemindable
{
    private const string ReconcileReminder = "reconcile";

    private IssuerState _committed = new();
    private Task? _reconciling;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _committed = stored.State;
        var period = options.Value.ReconcilePeriod;
        await this.RegisterOrUpdateReminder(ReconcileReminder, period, period, cancellationToken);
        await ReconcileAsync();
    }

    public async Task<ActiveIssuer> GetActiveAsync(long epoch)
    {
        if (_committed.Epoch < epoch)
        {
            await ReconcileAsync();
        }

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

    // Readers interleave, so several may find the grain behind at once: they share one look at the trust domain.
    private Task ReconcileAsync() =>
        _reconciling is { IsCompleted: false } running ? running : _reconciling = ReconcileOnceAsync();

    private async Task ReconcileOnceAsync()
    {
        var (trustDomain, purpose) = IssuerKey.Parse(this.GetPrimaryKeyString());
        var trust = await GrainFactory.GetGrain<ITrustDomainGrain>(trustDomain).GetStatusAsync();
        var next = _committed.Reconciled(trust, purpose.Word());
        if (ReferenceEquals(next, _committed))
        {
            return;
        }

        stored.State = next;
        try
        {
            await stored.WriteStateAsync();
        }
        catch
        {
            DeactivateOnIdle();
            throw;
        }

        _committed = next;
        Log.Reconciled(logger, GrainContext.GrainId, next.Epoch, next.Active?.KeyHash);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Issuer {Issuer} reconciled with trust epoch {Epoch}; active {KeyHash}")]
        public static partial void Reconciled(ILogger logger, GrainId issuer, long epoch, KeyHash? keyHash);
    }
}
