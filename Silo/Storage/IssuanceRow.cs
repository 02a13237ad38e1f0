using System.Collections.Concurrent;
using System.Data.Common;
using Mesh.Grains.Issuance;
using Mesh.Spiffe;

namespace Mesh.Silo.Storage;

/// <summary>An issuance record as a row, and back.</summary>
internal static class IssuanceRow
{
    public const string Columns =
        "issuer, shard, idx, spiffe_id, instance_id, generation, csr_hash, previous_leaf_hash, leaf, issuer_certificate, not_after";

    private static readonly ConcurrentDictionary<int, string> Inserts = new();
    private static readonly ConcurrentDictionary<int, string> Queries = new();

    /// <summary>The statement that inserts so many records, and answers with those that were taken.</summary>
    public static string Insert(int records) => Inserts.GetOrAdd(records, count =>
        $"""
        INSERT INTO issuance ({Columns}) VALUES {string.Join(", ", Enumerable.Range(0, count).Select(Placeholders))}
        ON CONFLICT DO NOTHING RETURNING shard, idx, instance_id, generation;
        """);

    /// <summary>The query for the newest record of each of so many instances.</summary>
    public static string Newest(int instances) => Queries.GetOrAdd(instances, count =>
        $"""
        SELECT {Columns} FROM issuance WHERE (instance_id, generation) IN (
          SELECT instance_id, MAX(generation) FROM issuance
          WHERE instance_id IN ({string.Join(", ", Enumerable.Range(0, count).Select(number => $"@instance{number}"))}) GROUP BY instance_id);
        """);

    private static string Placeholders(int number) => $"({string.Join(", ", Columns.Split(", ").Select(column => $"@{column}{number}"))})";

    public static IEnumerable<(string Name, object? Value)> Parameters(IssuanceRecord record, int number) =>
    [
        ($"issuer{number}", record.Issuer.ToString()),
        ($"shard{number}", record.Shard),
        ($"idx{number}", record.Index),
        ($"spiffe_id{number}", record.Id.ToString()),
        ($"instance_id{number}", record.InstanceId),
        ($"generation{number}", record.Generation),
        ($"csr_hash{number}", record.CsrHash),
        ($"previous_leaf_hash{number}", record.PreviousLeafHash),
        ($"leaf{number}", record.Leaf.ToArray()),
        ($"issuer_certificate{number}", record.IssuerCertificate.ToArray()),
        ($"not_after{number}", record.NotAfter.ToUnixTimeSeconds()),
    ];

    /// <summary>Reads <see cref="Columns"/>.</summary>
    public static IssuanceRecord Read(DbDataReader row) => new(
        KeyHash.Parse(row.GetString(0)),
        row.GetInt32(1),
        row.GetInt64(2),
        SpiffeId.Parse(row.GetString(3)),
        row.GetString(4),
        row.GetInt64(5),
        row.GetString(6),
        row.GetString(7),
        row.GetFieldValue<byte[]>(8),
        row.GetFieldValue<byte[]>(9),
        DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(10)));
}
