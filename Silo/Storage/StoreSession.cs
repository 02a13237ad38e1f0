using System.Data.Common;

namespace Mesh.Silo.Storage;

/// <summary>One connection, inside a transaction or not, and short ways to say one statement.</summary>
/// <param name="connection">Where the statements go.</param>
/// <param name="transaction">What they are part of; null: each stands by itself.</param>
/// <param name="cancellationToken">Ends the wait for an answer.</param>
/// <param name="kept">Gives the command of a statement, without parameters, and keeps it; null: commands are made and disposed here.</param>
internal sealed class StoreSession(
    DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken, Func<string, DbCommand>? kept = null)
{
    /// <summary>How many rows a statement changed.</summary>
    public async Task<int> ExecuteAsync(string sql, params IEnumerable<(string Name, object? Value)> parameters)
    {
        await using var statement = Prepare(sql, parameters);
        return await statement.Command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The first column of the first row; null where there is no row.</summary>
    public async Task<object?> ScalarAsync(string sql, params IEnumerable<(string Name, object? Value)> parameters)
    {
        await using var statement = Prepare(sql, parameters);
        return await statement.Command.ExecuteScalarAsync(cancellationToken) is { } value and not DBNull ? value : null;
    }

    /// <summary>Every row.</summary>
    public async Task<List<T>> QueryAsync<T>(
        string sql, Func<DbDataReader, T> read, params IEnumerable<(string Name, object? Value)> parameters)
    {
        await using var statement = Prepare(sql, parameters);
        await using var reader = await statement.Command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>Every row, one after the other: none is held once the next has been asked for.</summary>
    public async IAsyncEnumerable<T> StreamAsync<T>(string sql, Func<DbDataReader, T> read)
    {
        await using var statement = Prepare(sql, []);
        await using var reader = await statement.Command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            yield return read(reader);
        }
    }

    private Statement Prepare(string sql, IEnumerable<(string Name, object? Value)> parameters)
    {
        var command = kept?.Invoke(sql) ?? connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = "@" + name;
            parameter.Value = value ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return new Statement(command, kept is not null);
    }

    private readonly struct Statement(DbCommand command, bool isKept) : IAsyncDisposable
    {
        public DbCommand Command => command;

        public ValueTask DisposeAsync() => isKept ? ValueTask.CompletedTask : command.DisposeAsync();
    }
}
