using Mesh.Grains.Issuance;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>Issuance records without a disk. The one on SQLite is tested with the silo.</summary>
internal sealed class MemoryIssuanceStore(StoreFaults faults) : IIssuanceStore
{
    private readonly List<IssuanceRecord> _records = [];
    private readonly Dictionary<string, TokenRedemption> _redemptions = [];
    private readonly Lock _gate = new();

    /// <summary>How many transactions appended anything.</summary>
    public int Batches { get; private set; }

    public IReadOnlyList<IssuanceRecord> Records
    {
        get
        {
            lock (_gate)
            {
                return [.. _records];
            }
        }
    }

    public int Redemptions
    {
        get
        {
            lock (_gate)
            {
                return _redemptions.Count;
            }
        }
    }

    public Task<long> GetNextIndexAsync(KeyHash issuer, int shard, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult(_records.Where(r => r.Issuer == issuer && r.Shard == shard).Select(r => r.Index).DefaultIfEmpty(0).Max() + 1);
        }
    }

    public async Task<IReadOnlyList<AppendOutcome>> AppendAsync(IReadOnlyList<IssuanceRecord> records, CancellationToken cancellationToken)
    {
        await Task.Yield();
        lock (_gate)
        {
            return faults.Write<IReadOnlyList<AppendOutcome>>(() =>
            {
                Batches++;
                return [.. records.Select(Append)];
            });
        }
    }

    public Task<IssuanceRecord?> FindLatestAsync(string instanceId, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult(_records.Where(r => r.InstanceId == instanceId).MaxBy(r => r.Generation));
        }
    }

    public Task<IReadOnlyDictionary<string, IssuanceRecord>> FindLatestAsync(IReadOnlyCollection<string> instanceIds, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult<IReadOnlyDictionary<string, IssuanceRecord>>(_records.Where(r => instanceIds.Contains(r.InstanceId))
                .GroupBy(r => r.InstanceId).ToDictionary(g => g.Key, g => g.MaxBy(r => r.Generation)!));
        }
    }

    public Task<IReadOnlyList<IssuanceRecord>> ListLiveAsync(SpiffeId? id, DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult<IReadOnlyList<IssuanceRecord>>(
                [.. _records.GroupBy(r => r.InstanceId).Select(g => g.MaxBy(r => r.Generation)!).Where(r => r.NotAfter > now && (id is null || r.Id == id)).Take(limit)]);
        }
    }

    public Task<string?> RedeemAsync(TokenRedemption redemption, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult(faults.Write(() =>
                _redemptions.TryAdd(redemption.TokenId, redemption) ? redemption.InstanceId
                : _redemptions[redemption.TokenId] is { } first && first.CsrHash == redemption.CsrHash ? first.InstanceId
                : null));
        }
    }

    public Task<int> PruneAsync(DateTimeOffset ended, DateTimeOffset spent, int limit, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var records = _records.Where(record => record.NotAfter < ended).Take(limit).ToList();
            var tokens = _redemptions.Values.Where(redemption => redemption.ExpiresAt < spent).Take(limit).ToList();
            return Task.FromResult(faults.Write(() =>
            {
                records.ForEach(record => _records.Remove(record));
                tokens.ForEach(redemption => _redemptions.Remove(redemption.TokenId));
                return records.Count + tokens.Count;
            }));
        }
    }

    private AppendOutcome Append(IssuanceRecord record)
    {
        if (_records.Exists(r => r.InstanceId == record.InstanceId && r.Generation == record.Generation))
        {
            return AppendOutcome.GenerationTaken;
        }

        if (_records.Exists(r => r.Issuer == record.Issuer && r.Shard == record.Shard && r.Index == record.Index))
        {
            return AppendOutcome.IndexTaken;
        }

        _records.Add(record);
        return AppendOutcome.Appended;
    }
}
