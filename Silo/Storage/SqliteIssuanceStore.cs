using Mesh.Grains.Issuance;
using Mesh.Spiffe;
using Microsoft.Data.Sqlite;

namespace Mesh.Silo.Storage;

/// <summary>Issuance records and redeemed tokens in the embedded store.</summary>
internal sealed class SqliteIssuanceStore(SqliteDatabase database) : IIssuanceStore
{
    private const string Columns =
        "issuer, shard, idx, spiffe_id, instance_id, generation, csr_hash, previous_leaf_hash, leaf, issuer_certificate, not_after";

    public Task<long> GetNextIndexAsync(KeyHash issuer, int shard, CancellationToken cancellationToken) => database.ReadAsync(
        connection =>
        {
            using var command = connection.Command(
                null,
                "SELECT COALESCE(MAX(idx), 0) + 1 FROM issuance WHERE issuer = @issuer AND shard = @shard;",
                ("issuer", issuer.ToString()),
                ("shard", shard));
            return (long)command.ExecuteScalar()!;
        },
        cancellationToken);

    public Task<IReadOnlyList<AppendOutcome>> AppendAsync(IReadOnlyList<IssuanceRecord> records, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<AppendOutcome>>(
            (connection, transaction) => [.. records.Select(record => Append(connection, transaction, record))], cancellationToken);

    public Task<IssuanceRecord?> FindLatestAsync(string instanceId, CancellationToken cancellationToken) => database.ReadAsync(
        connection =>
        {
            using var command = connection.Command(
                null,
                $"SELECT {Columns} FROM issuance WHERE instance_id = @instance ORDER BY generation DESC LIMIT 1;",
                ("instance", instanceId));
            return ReadAll(command).SingleOrDefault();
        },
        cancellationToken);

    public Task<IReadOnlyList<IssuanceRecord>> ListLiveAsync(SpiffeId? id, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<IssuanceRecord>>(
            connection =>
            {
                using var command = connection.Command(
                    null,
                    $"""
                    SELECT {Columns} FROM issuance AS newest
                    WHERE not_after > @now AND (@id IS NULL OR spiffe_id = @id)
                      AND NOT EXISTS (
                        SELECT 1 FROM issuance AS later
                        WHERE later.instance_id = newest.instance_id AND later.generation > newest.generation)
                    ORDER BY spiffe_id, instance_id LIMIT @limit;
                    """,
                    ("now", now.ToUnixTimeSeconds()),
                    ("id", id?.ToString()),
                    ("limit", limit));
                return ReadAll(command);
            },
            cancellationToken);

    public Task<string?> RedeemAsync(TokenRedemption redemption, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) =>
        {
            using var insert = connection.Command(
                transaction,
                "INSERT INTO redemption (token_id, csr_hash, instance_id, expires_at) VALUES (@token, @csr, @instance, @expires) ON CONFLICT DO NOTHING;",
                ("token", redemption.TokenId),
                ("csr", redemption.CsrHash),
                ("instance", redemption.InstanceId),
                ("expires", redemption.ExpiresAt.ToUnixTimeSeconds()));
            if (insert.ExecuteNonQuery() == 1)
            {
                return redemption.InstanceId;
            }

            using var repeat = connection.Command(
                transaction,
                "SELECT instance_id FROM redemption WHERE token_id = @token AND csr_hash = @csr;",
                ("token", redemption.TokenId),
                ("csr", redemption.CsrHash));
            return (string?)repeat.ExecuteScalar();
        },
        cancellationToken);

    private static AppendOutcome Append(SqliteConnection connection, SqliteTransaction transaction, IssuanceRecord record)
    {
        using var insert = connection.Command(
            transaction,
            $"""
            INSERT INTO issuance ({Columns})
            VALUES (@issuer, @shard, @idx, @id, @instance, @generation, @csr, @previous, @leaf, @certificate, @until)
            ON CONFLICT DO NOTHING;
            """,
            ("issuer", record.Issuer.ToString()),
            ("shard", record.Shard),
            ("idx", record.Index),
            ("id", record.Id.ToString()),
            ("instance", record.InstanceId),
            ("generation", record.Generation),
            ("csr", record.CsrHash),
            ("previous", record.PreviousLeafHash),
            ("leaf", record.Leaf.ToArray()),
            ("certificate", record.IssuerCertificate.ToArray()),
            ("until", record.NotAfter.ToUnixTimeSeconds()));
        if (insert.ExecuteNonQuery() == 1)
        {
            return AppendOutcome.Appended;
        }

        using var taken = connection.Command(
            transaction,
            "SELECT EXISTS (SELECT 1 FROM issuance WHERE instance_id = @instance AND generation = @generation);",
            ("instance", record.InstanceId),
            ("generation", record.Generation));
        return (long)taken.ExecuteScalar()! == 1 ? AppendOutcome.GenerationTaken : AppendOutcome.IndexTaken;
    }

    private static List<IssuanceRecord> ReadAll(SqliteCommand command)
    {
        using var reader = command.ExecuteReader();
        var records = new List<IssuanceRecord>();
        while (reader.Read())
        {
            records.Add(new IssuanceRecord(
                KeyHash.Parse(reader.GetString(0)),
                reader.GetInt32(1),
                reader.GetInt64(2),
                SpiffeId.Parse(reader.GetString(3)),
                reader.GetString(4),
                reader.GetInt64(5),
                reader.GetString(6),
                reader.GetString(7),
                reader.GetFieldValue<byte[]>(8),
                reader.GetFieldValue<byte[]>(9),
                DateTimeOffset.FromUnixTimeSeconds(reader.GetInt64(10))));
        }

        return records;
    }
}
