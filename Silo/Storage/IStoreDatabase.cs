namespace Mesh.Silo.Storage;

/// <summary>What a silo keeps, wherever that is. The stores above it say what they want in SQL that every provider understands.</summary>
internal interface IStoreDatabase : IAsyncDisposable
{
    /// <summary>Runs queries on committed state.</summary>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer.</exception>
    Task<T> ReadAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Runs statements in one transaction, wholly done or wholly undone; durable when the task ends.</summary>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer. Whether it took the change is not known.</exception>
    Task<T> WriteAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Gives Orleans its membership and reminder tables here.</summary>
    void UseForOrleans(ISiloBuilder silo);
}
