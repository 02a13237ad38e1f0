using Mesh.Silo.Hosting;
using Mesh.Silo.Storage.PostgreSql;
using Mesh.Silo.Storage.Sqlite;

namespace Mesh.Silo.Storage;

/// <summary>Opens the store that the options name.</summary>
internal static class StoreFactory
{
    /// <exception cref="InvalidDataException">The options name a store that can't be: the message says what to change.</exception>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer.</exception>
    public static async Task<IStoreDatabase> OpenAsync(
        StoreOptions options, DataFolder folder, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var logger = loggers.CreateLogger<StoreFaults>();
        return options.Provider == StoreProvider.Sqlite
            ? await SqliteDatabase.OpenAsync(folder.Database, options.Timeout, logger)
            : await PostgreSqlDatabase.OpenAsync(options, logger, cancellationToken);
    }
}
