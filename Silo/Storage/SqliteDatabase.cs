using Microsoft.Data.Sqlite;

namespace Mesh.Silo.Storage;

/// <summary>The embedded store: one SQLite file in the data folder, write-ahead log, every commit on disk before it is answered.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly SemaphoreSlim _writer = new(1, 1);

    /// <summary>Opens the file, creating it and what it should hold where that is missing.</summary>
    public SqliteDatabase(string path)
    {
        ConnectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            // How long a statement waits for another writer before it fails.
            DefaultTimeout = 10,
        }.ToString();
        using var connection = Open();
        Execute(connection, "PRAGMA journal_mode = WAL;");
        Execute(connection, ReadSchema());
    }

    /// <summary>For Orleans' own provider, which opens connections of its own.</summary>
    public string ConnectionString { get; }

    /// <summary>Runs statements in one transaction, one writer after the other; durable when the task ends.</summary>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, SqliteTransaction, T> work, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            // SQLite blocks its thread until the disk has answered; that thread must not be a grain's.
            return await Task.Run(
                () =>
                {
                    using var connection = Open();
                    using var transaction = connection.BeginTransaction(deferred: false);
                    var result = work(connection, transaction);
                    transaction.Commit();
                    return result;
                },
                cancellationToken);
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Runs queries on the last committed state.</summary>
    public Task<T> ReadAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using var connection = Open();
            return work(connection);
        },
        cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer.Dispose();
        using var connection = new SqliteConnection(ConnectionString);
        SqliteConnection.ClearPool(connection);
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(ConnectionString);
        connection.Open();
        Execute(connection, "PRAGMA synchronous = FULL;");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static string ReadSchema()
    {
        using var stream = typeof(SqliteDatabase).Assembly.GetManifestResourceStream("Mesh.Silo.Storage.Sqlite.schema.sql")
            ?? throw new InvalidOperationException("The store's schema is missing from the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
