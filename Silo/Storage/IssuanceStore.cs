using System.Globalization;
using Mesh.Grains.Issuance;
using Mesh.Spiffe;

namespace Mesh.Silo.Storage;

/// <summary>Issuance records and redeemed tokens.</summary>
internal sealed class IssuanceStore(IStoreDatabase database) : IIssuanceStore
{
    // A statement may have some tens of thousands of parameters, the least of all stores 32,766.
    private const int RecordsInAStatement = 256;

    public Task<long> GetNextIndexAsync(KeyHash issuer, int shard, CancellationToken cancellationToken) => database.ReadAsync(
        async store => Convert.ToInt64(
            await store.ScalarAsync(
                "SELECT COALESCE(MAX(idx), 0) + 1 FROM issuance WHERE issuer = @issuer AND shard = @shard;",
                ("issuer", issuer.ToString()),
                ("shard", shard)),
            CultureInfo.InvariantCulture),
        cancellationToken);

    public Task<IReadOnlyList<AppendOutcome>> AppendAsync(IReadOnlyList<IssuanceRecord> records, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<AppendOutcome>>(
            async store =>
            {
                var outcomes = new List<AppendOutcome>(records.Count);
                foreach (var batch in records.Chunk(RecordsInAStatement))
                {
                    outcomes.AddRange(await AppendAsync(store, batch));
                }

                return outcomes;
            },
            cancellationToken);

    public Task<IssuanceRecord?> FindLatestAsync(string instanceId, CancellationToken cancellationToken) => database.ReadAsync(
        async store => (await store.QueryAsync(
            $"SELECT {IssuanceRow.Columns} FROM issuance WHERE instance_id = @instance ORDER BY generation DESC LIMIT 1;",
            IssuanceRow.Read,
            ("instance", instanceId))).SingleOrDefault(),
        cancellationToken);

    public Task<IReadOnlyDictionary<string, IssuanceRecord>> FindLatestAsync(IReadOnlyCollection<string> instanceIds, CancellationToken cancellationToken) =>
        instanceIds.Count == 0
            ? Task.FromResult<IReadOnlyDictionary<string, IssuanceRecord>>(new Dictionary<string, IssuanceRecord>())
            : database.ReadAsync<IReadOnlyDictionary<string, IssuanceRecord>>(
                async store => (await store.QueryAsync(
                    IssuanceRow.Newest(instanceIds.Count),
                    IssuanceRow.Read,
                    instanceIds.Select((instance, i) => ($"instance{i}", (object?)instance)))).ToDictionary(record => record.InstanceId),
                cancellationToken);

    public Task<IReadOnlyList<IssuanceRecord>> ListLiveAsync(SpiffeId? id, DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        List<(string, object?)> parameters = [("now", now.ToUnixTimeSeconds()), ("limit", limit)];
        if (id is not null)
        {
            parameters.Add(("id", id.ToString()));
        }

        var sql = $"""
            SELECT {IssuanceRow.Columns} FROM issuance AS newest
            WHERE not_after > @now{(id is null ? "" : " AND spiffe_id = @id")}
              AND NOT EXISTS (
                SELECT 1 FROM issuance AS later
                WHERE later.instance_id = newest.instance_id AND later.generation > newest.generation)
            ORDER BY spiffe_id, instance_id LIMIT @limit;
            """;
        return database.ReadAsync<IReadOnlyList<IssuanceRecord>>(
            async store => await store.QueryAsync(sql, IssuanceRow.Read, parameters), cancellationToken);
    }

    public Task<string?> RedeemAsync(TokenRedemption redemption, CancellationToken cancellationToken) => database.WriteAsync(
        async store =>
        {
            var inserted = await store.ExecuteAsync(
                "INSERT INTO redemption (token_id, csr_hash, instance_id, expires_at) VALUES (@token, @csr, @instance, @expires) ON CONFLICT DO NOTHING;",
                ("token", redemption.TokenId),
                ("csr", redemption.CsrHash),
                ("instance", redemption.InstanceId),
                ("expires", redemption.ExpiresAt.ToUnixTimeSeconds()));
            return inserted == 1
                ? redemption.InstanceId
                : (string?)await store.ScalarAsync(
                    "SELECT instance_id FROM redemption WHERE token_id = @token AND csr_hash = @csr;",
                    ("token", redemption.TokenId),
                    ("csr", redemption.CsrHash));
        },
        cancellationToken);

    public Task<int> PruneAsync(DateTimeOffset ended, DateTimeOffset spent, int limit, CancellationToken cancellationToken) => database.WriteAsync(
        async store =>
            await store.ExecuteAsync(
                """
                DELETE FROM issuance WHERE (issuer, shard, idx) IN
                  (SELECT issuer, shard, idx FROM issuance WHERE not_after < @ended ORDER BY not_after LIMIT @limit);
                """,
                ("ended", ended.ToUnixTimeSeconds()),
                ("limit", limit))
            + await store.ExecuteAsync(
                "DELETE FROM redemption WHERE token_id IN (SELECT token_id FROM redemption WHERE expires_at < @spent ORDER BY expires_at LIMIT @limit);",
                ("spent", spent.ToUnixTimeSeconds()),
                ("limit", limit)),
        cancellationToken);

    // One round trip for the whole batch; only those that were not taken are looked at again.
    private static async Task<List<AppendOutcome>> AppendAsync(StoreSession store, IssuanceRecord[] batch)
    {
        var inserted = (await store.QueryAsync(
            IssuanceRow.Insert(batch.Length),
            row => (row.GetInt32(0), row.GetInt64(1), row.GetString(2), row.GetInt64(3)),
            batch.SelectMany(IssuanceRow.Parameters))).ToHashSet();
        var outcomes = new List<AppendOutcome>(batch.Length);
        foreach (var record in batch)
        {
            outcomes.Add(inserted.Remove((record.Shard, record.Index, record.InstanceId, record.Generation))
                ? AppendOutcome.Appended
                : await RefusalAsync(store, record));
        }

        return outcomes;
    }

    private static async Task<AppendOutcome> RefusalAsync(StoreSession store, IssuanceRecord record) =>
        await store.ScalarAsync(
            "SELECT 1 FROM issuance WHERE instance_id = @instance AND generation = @generation;",
            ("instance", record.InstanceId),
            ("generation", record.Generation)) is null
            ? AppendOutcome.IndexTaken
            : AppendOutcome.GenerationTaken;
}
