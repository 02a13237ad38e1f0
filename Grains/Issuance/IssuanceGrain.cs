using System.Collections.Immutable;

namespace Mesh.Grains.Issuance;

/// <inheritdoc cref="IIssuanceGrain"/>
/// <remarks>
/// Group commit: while one batch is being written the next one gathers, so that the store sees one transaction for as many
/// certificates as it has time for.
/// </remarks>
[GrainType("issuance")]
internal sealed class IssuanceGrain(IIssuanceStore store) : Grain, IIssuanceGrain
{
    private const int LargestBatch = 256;

    private readonly Queue<Pending> _pending = new();
    private Task _flushing = Task.CompletedTask;
    private long _nextIndex;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var (issuer, shard) = IssuanceKey.Parse(this.GetPrimaryKeyString());
        _nextIndex = await store.GetNextIndexAsync(issuer, shard, cancellationToken);
    }

    public async Task<AppendOutcome[]> AppendAsync(ImmutableArray<IssuanceRecord> records)
    {
        var outcomes = Array.ConvertAll([.. records], Enqueue);
        if (_flushing.IsCompleted)
        {
            _flushing = FlushAsync();
        }

        return await Task.WhenAll(outcomes);
    }

    private Task<AppendOutcome> Enqueue(IssuanceRecord record)
    {
        var pending = new Pending(record);
        _pending.Enqueue(pending);
        return pending.Outcome.Task;
    }

    private async Task FlushAsync()
    {
        while (_pending.Count > 0)
        {
            var batch = new List<Pending>();
            while (batch.Count < LargestBatch && _pending.TryDequeue(out var next))
            {
                batch.Add(next);
            }

            await WriteAsync(batch);
        }
    }

    private async Task WriteAsync(List<Pending> batch)
    {
        try
        {
            var records = batch.ConvertAll(pending => pending.Record with { Index = _nextIndex++ });
            var outcomes = await store.AppendAsync(records, CancellationToken.None);
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Outcome.SetResult(outcomes[i]);
            }

            if (outcomes.Contains(AppendOutcome.IndexTaken))
            {
                DeactivateOnIdle();
            }
        }
        catch (Exception e)
        {
            // Those who wait hear of it; what the store holds now is read again by the next activation.
            batch.ForEach(pending => pending.Outcome.TrySetException(e));
            DeactivateOnIdle();
        }
    }

    private sealed class Pending(IssuanceRecord record)
    {
        public IssuanceRecord Record => record;

        public TaskCompletionSource<AppendOutcome> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
