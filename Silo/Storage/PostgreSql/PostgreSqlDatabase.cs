using System.Data;
using Npgsql;

namespace Mesh.Silo.Storage.PostgreSql;

/// <summary>A PostgreSQL database, shared by the silos of a cluster.</summary>
internal sealed class PostgreSqlDatabase : IStoreDatabase
{
    private const string Invariant = "Npgsql";
    private const int Attempts = 3;

    private readonly NpgsqlDataSource _source;
    private readonly StoreFaults _faults;

    private PostgreSqlDatabase(NpgsqlDataSource source, ILogger<StoreFaults> logger) =>
        (_source, _faults) = (source, new StoreFaults(PostgreSqlFaults.Explain, logger));

    /// <summary>Connects, and creates what the database should hold where that is missing.</summary>
    /// <exception cref="InvalidDataException">The connection string can't be read.</exception>
    public static async Task<PostgreSqlDatabase> OpenAsync(StoreOptions options, ILogger<StoreFaults> logger, CancellationToken cancellationToken)
    {
        var database = new PostgreSqlDatabase(CreateSource(options), logger);
        try
        {
            await database._faults.GuardAsync(() => PostgreSqlSchema.CreateAsync(database._source, cancellationToken));
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public Task<T> ReadAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) => _faults.GuardAsync(async () =>
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        return await work(new StoreSession(connection, null, cancellationToken));
    });

    public Task<T> ReadSnapshotAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) => _faults.GuardAsync(async () =>
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        return await work(new StoreSession(connection, transaction, cancellationToken));
    });

    public Task<T> WriteAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) => _faults.GuardAsync(async () =>
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await _source.OpenConnectionAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                var result = await work(new StoreSession(connection, transaction, cancellationToken));
                await transaction.CommitAsync(CancellationToken.None);
                return result;
            }
            catch (PostgresException e) when (PostgreSqlFaults.IsUndone(e) && attempt < Attempts)
            {
                // The server has rolled it back for the sake of another silo's: wholly undone, so it can be done again.
            }
        }
    });

    /// <remarks>6 is dead; one that joins or stops works on it too. A silo says every few seconds that it is alive.</remarks>
    public async Task<IReadOnlyList<string>> RunningSilosAsync(CancellationToken cancellationToken) => await ReadAsync(
        store => store.QueryAsync(
            "SELECT silo_name FROM membership WHERE status <> 6 AND alive_time > now() - interval '30 seconds' ORDER BY silo_name;", row => row.GetString(0)),
        cancellationToken);

    public void UseForOrleans(ISiloBuilder silo)
    {
        silo.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.DataSource) = (Invariant, _source));
        silo.UseStoreReminders(_faults, reminders => (reminders.Invariant, reminders.DataSource) = (Invariant, _source));
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static NpgsqlDataSource CreateSource(StoreOptions options)
    {
        var seconds = (int)Math.Ceiling(options.Timeout.TotalSeconds);
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(options.ReadConnectionString())
            {
                ApplicationName = "mesh-silo",
                Timeout = seconds,
                CommandTimeout = seconds,
                CancellationTimeout = 1000,
                MaxPoolSize = options.MaxConnections,
                // A server that vanished without a word is noticed while nobody asks, not by the next caller.
                TcpKeepAlive = true,
                PersistSecurityInfo = false,
            };
            return new NpgsqlDataSourceBuilder(settings.ToString()).Build();
        }
        catch (ArgumentException)
        {
            // Its message may quote what was given, which may hold a password.
            throw new InvalidDataException("The store's connection string can't be read. Write it as Host=…;Username=…;Password=…;Database=….");
        }
    }
}
