using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Mesh.Silo.Storage.PostgreSql;

/// <summary>Creates what the database should hold. Any number of silos may do so at once: one does, the others wait for it.</summary>
internal static class PostgreSqlSchema
{
    // Any number will do, as long as every version of the silo takes the same one.
    private const long LockNumber = 0x6D6573685F6F7273;

    private static readonly string[] Scripts = ["PostgreSql.schema.sql", "PostgreSql.orleans.sql"];

    /// <summary>Whether anything had to be created or changed.</summary>
    public static async Task<bool> CreateAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var script = string.Join('\n', Scripts.Select(EmbeddedScript.Read));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var store = new StoreSession(connection, transaction, cancellationToken);
        // Held until the transaction ends.
        await store.ScalarAsync("SELECT pg_advisory_xact_lock(@number);", ("number", LockNumber));
        // A database that has this very schema is not touched: altering would wait for the silos that are at work in it.
        if (await store.ScalarAsync("SELECT to_regclass('mesh_schema')::text;") is not null
            && await store.ScalarAsync("SELECT 1 FROM mesh_schema WHERE script_hash = @hash;", ("hash", hash)) is not null)
        {
            return false;
        }

        await store.ExecuteAsync(script);
        await store.ExecuteAsync("DELETE FROM mesh_schema;");
        await store.ExecuteAsync("INSERT INTO mesh_schema (script_hash) VALUES (@hash);", ("hash", hash));
        await transaction.CommitAsync(cancellationToken);
        return true;
    }
}
