namespace Mesh.Silo.Storage;

/// <summary>What a silo keeps, wherever that is. The stores above it say what they want in SQL that every provider understands.</summary>
internal interface IStoreDatabase : IAsyncDisposable
{
    /// <summary>Runs queries on committed state.</summary>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer.</exception>
    Task<T> ReadAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Runs queries that all see the store as it was at one moment, while others go on writing.</summary>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer.</exception>
    Task<T> ReadSnapshotAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Runs statements in one transaction, wholly done or wholly undone; durable when the task ends.</summary>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer. Whether it took the change is not known.</exception>
    Task<T> WriteAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>The silos that work on the store now, by name, as far as the store knows.</summary>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer.</exception>
    Task<IReadOnlyList<string>> RunningSilosAsync(CancellationToken cancellationToken);

    /// <summary>Gives Orleans its membership and reminder tables here.</summary>
    void UseForOrleans(ISiloBuilder silo);
}
