namespace Mesh.Silo.Backups;

/// <summary>A table of the store that a backup holds.</summary>
/// <param name="Name">As the store calls it.</param>
/// <param name="Columns">All that it has, in the order in which a backup's row has them.</param>
internal sealed record BackupTable(string Name, params BackupColumn[] Columns)
{
    /// <summary>
    /// Everything that a silo could not work out anew. Reminders come back when their grains do, and membership is of the silos that run.
    /// </summary>
    public static readonly IReadOnlyList<BackupTable> All =
    [
        new("grain_state", Text("grain_id"), Text("state_name"), Number("version"), Bytes("payload")),
        new("authority_key", Text("key_hash"), Number("key_use"), Bytes("sealed")),
        new(
            "issuance", Text("issuer"), Number("shard"), Number("idx"), Text("spiffe_id"), Text("instance_id"), Number("generation"), Text("csr_hash"),
            Text("previous_leaf_hash"), Bytes("leaf"), Bytes("issuer_certificate"), Number("not_after")),
        new("redemption", Text("token_id"), Text("csr_hash"), Text("instance_id"), Number("expires_at")),
    ];

    private static BackupColumn Text(string name) => new(name, BackupValue.Text);

    private static BackupColumn Number(string name) => new(name, BackupValue.Number);

    private static BackupColumn Bytes(string name) => new(name, BackupValue.Bytes);
}

/// <summary>A column of such a table.</summary>
internal readonly record struct BackupColumn(string Name, BackupValue Value);

/// <summary>What a column holds; none may be null.</summary>
internal enum BackupValue
{
    /// <summary>A string.</summary>
    Text,

    /// <summary>A signed number of 64 bits.</summary>
    Number,

    /// <summary>Bytes, in base64.</summary>
    Bytes,
}
