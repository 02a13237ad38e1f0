using Microsoft.Data.Sqlite;

namespace Mesh.Silo.Storage;

/// <summary>Short ways to say one statement.</summary>
internal static class SqliteCommands
{
    /// <summary>A statement with its parameters, named without the @.</summary>
    public static SqliteCommand Command(
        this SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue("@" + name, value ?? DBNull.Value);
        }

        return command;
    }
}
