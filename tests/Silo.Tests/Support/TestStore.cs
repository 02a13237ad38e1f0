using Mesh.Silo.Hosting;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Serialization;

namespace Mesh.Silo.Tests.Support;

/// <summary>A store of a kind, opened as a silo opens it. <see cref="OpenAnotherAsync"/> is a second silo on the same one.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    public static readonly TrustDomainName TrustDomain = TrustDomainName.Parse("east.mesh.example");

    private readonly ServiceProvider _services = new ServiceCollection().AddSerializer().BuildServiceProvider();
    private readonly List<IAsyncDisposable> _opened = [];
    private readonly string _folder;
    private readonly StoreOptions _options;

    private TestStore(string folder, StoreOptions options) => (_folder, _options) = (folder, options);

    /// <summary>The store with its folder and key files, as a silo holds them.</summary>
    public SiloStore Silo { get; private set; } = null!;

    public IStoreDatabase Database => Silo.Database;

    public static async Task<TestStore> OpenAsync(StoreProvider provider, PostgreSqlFixture fixture)
    {
        var connection = provider == StoreProvider.PostgreSql ? await fixture.CreateDatabaseAsync() : null;
        return await OpenAsync(Directory.CreateTempSubdirectory("mesh-store-").FullName, connection);
    }

    /// <param name="connection">Of PostgreSQL; null for SQLite.</param>
    public static async Task<TestStore> OpenAsync(string folder, string? connection)
    {
        var options = new StoreOptions { Timeout = TimeSpan.FromSeconds(2) };
        if (connection is not null)
        {
            var file = Path.Combine(folder, "connection");
            await File.WriteAllTextAsync(file, connection);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            (options.Provider, options.ConnectionStringFile) = (StoreProvider.PostgreSql, file);
        }

        var store = new TestStore(folder, options);
        try
        {
            store.Silo = await SiloStore.OpenAsync(new SiloOptions { Data = Path.Combine(folder, "data"), TrustDomain = TrustDomain.Name }, options, NullLoggerFactory.Instance);
            await store.Silo.LoadKeysAsync(mayCreate: true);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    public async Task<IStoreDatabase> OpenAnotherAsync()
    {
        var database = await StoreFactory.OpenAsync(_options, Silo.Folder, NullLoggerFactory.Instance, CancellationToken.None);
        _opened.Add(database);
        return database;
    }

    public GrainStateStorage GrainStorage(IStoreDatabase? database = null) =>
        new(database ?? Database, _services.GetRequiredService<Serializer>());

    public SealedKeyStore KeyStore(IStoreDatabase? database = null) => new(database ?? Database, TrustDomain, Silo.KeyEncryption, Silo.AnchorEncryption);

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened)
        {
            await opened.DisposeAsync();
        }

        if (Silo is not null)
        {
            await Silo.DisposeAsync();
        }

        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
