using Mesh.Silo.Storage;

namespace Mesh.Silo.Tests.Support;

/// <summary>Every kind of store, for the tests that each of them must pass.</summary>
public sealed class EveryStore : TheoryData<StoreProvider>
{
    public EveryStore() => AddRange(StoreProvider.Sqlite, StoreProvider.PostgreSql);
}
