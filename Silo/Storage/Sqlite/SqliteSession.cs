using Microsoft.Data.Sqlite;

namespace Mesh.Silo.Storage.Sqlite;

/// <summary>A connection that is kept, with the statements that it has compiled: compiling one takes longer than running it.</summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    // More than there are in this program, but for batches of every size.
    private const int MostCommands = 64;

    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    public SqliteConnection Connection => connection;

    /// <summary>The session as stores use it.</summary>
    public StoreSession Begin(SqliteTransaction? transaction, CancellationToken cancellationToken) => new(connection, transaction, cancellationToken, CommandOf);

    public void Dispose()
    {
        Forget();
        connection.Dispose();
    }

    private SqliteCommand CommandOf(string sql)
    {
        if (_commands.TryGetValue(sql, out var command))
        {
            command.Parameters.Clear();
            return command;
        }

        if (_commands.Count == MostCommands)
        {
            Forget();
        }

        return _commands[sql] = connection.CreateCommand();
    }

    private void Forget()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _commands.Clear();
    }
}
