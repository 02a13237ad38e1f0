using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using SiloOptions = Mesh.Silo.Hosting.SiloOptions;

namespace Mesh.Silo.Storage.Sqlite;

/// <summary>The embedded store: one SQLite file in the data folder, write-ahead log, every commit on disk before it is answered.</summary>
internal sealed class SqliteDatabase : IStoreDatabase
{
    // SQLite's result codes: busy, locked, read-only, I/O error, full, can't open.
    private const int DiskFull = 13;
    private static readonly int[] SilentCodes = [5, 6, 8, 10, 14];

    // Idle sessions for reading, and how many are kept.
    private const int MostReaders = 8;
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private readonly SqliteWriter _writer;
    private readonly string _connectionString;
    private readonly StoreFaults _faults;

    private SqliteDatabase(string path, TimeSpan timeout, ILogger<StoreFaults> logger)
    {
        _writer = new SqliteWriter(OpenForWriting, timeout);
        _faults = new StoreFaults(Explain, logger);
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            // How long a statement waits for another writer before it fails.
            DefaultTimeout = (int)Math.Ceiling(timeout.TotalSeconds),
        }.ToString();
    }

    /// <summary>Opens the file, creating it and what it should hold where that is missing.</summary>
    public static async Task<SqliteDatabase> OpenAsync(string path, TimeSpan timeout, ILogger<StoreFaults> logger)
    {
        var database = new SqliteDatabase(path, timeout, logger);
        await database._faults.GuardAsync(() => Task.Run(() =>
        {
            using var connection = database.OpenForWriting();
            Execute(connection, "PRAGMA journal_mode = WAL;");
            Execute(connection, EmbeddedScript.Read("Sqlite.schema.sql"));
            return true;
        }));
        return database;
    }

    public Task<T> ReadAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) => _faults.GuardAsync(() => Task.Run(
        async () =>
        {
            var reader = _readers.TryTake(out var idle) ? idle : new SqliteSession(Open());
            try
            {
                var result = await work(reader.Begin(null, cancellationToken));
                Keep(reader);
                return result;
            }
            catch
            {
                // Whatever state it is in.
                reader.Dispose();
                throw;
            }
        },
        cancellationToken));

    public Task<T> ReadSnapshotAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) => _faults.GuardAsync(() => Task.Run(
        async () =>
        {
            await using var connection = Open();
            // Deferred: it takes no lock, and sees what was committed before its first query.
            await using var transaction = connection.BeginTransaction(deferred: true);
            return await work(new StoreSession(connection, transaction, cancellationToken));
        },
        cancellationToken));

    public Task<T> WriteAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) =>
        _faults.GuardAsync(() => _writer.WriteAsync(work, cancellationToken));

    /// <remarks>None beside the one that holds the folder's lock.</remarks>
    public Task<IReadOnlyList<string>> RunningSilosAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([]);

    /// <remarks>Membership in process: whoever holds the file is the only silo.</remarks>
    public void UseForOrleans(ISiloBuilder silo)
    {
        silo.UseLocalhostClustering();
        silo.Services.AddSingleton<IConfigureOptions<DevelopmentClusterMembershipOptions>>(services =>
            new ConfigureOptions<DevelopmentClusterMembershipOptions>(development =>
            {
                development.PrimarySiloEndpoint = services.GetRequiredService<IOptions<SiloOptions>>().Value.SiloEndpoint;
            }));
        silo.UseStoreReminders(_faults, reminders => (reminders.Invariant, reminders.ConnectionString) = ("System.Data.SQLite", _connectionString));
    }

    public ValueTask DisposeAsync()
    {
        _writer.Dispose();
        while (_readers.TryTake(out var reader))
        {
            reader.Dispose();
        }

        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }

    private static string? Explain(Exception fault) => fault switch
    {
        SqliteException { SqliteErrorCode: DiskFull } => StoreFaults.Full,
        SqliteException sqlite when SilentCodes.Contains(sqlite.SqliteErrorCode) => StoreFaults.Silent,
        TimeoutException or IOException => StoreFaults.Silent,
        _ => null,
    };

    private void Keep(SqliteSession reader)
    {
        if (_readers.Count < MostReaders)
        {
            _readers.Add(reader);
        }
        else
        {
            reader.Dispose();
        }
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return connection;
    }

    private SqliteConnection OpenForWriting()
    {
        var connection = Open();
        Execute(connection, "PRAGMA synchronous = FULL;");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
