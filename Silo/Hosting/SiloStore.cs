using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Mesh.Spiffe;

namespace Mesh.Silo.Hosting;

/// <summary>A silo's folder, its store, and the keys that open what is sealed in it.</summary>
internal sealed class SiloStore : IAsyncDisposable
{
    private KeyEncryptionKey? _keyEncryption;
    private KeyEncryptionKey? _anchorEncryption;

    private SiloStore(TrustDomainName trustDomain, DataFolder folder, IStoreDatabase database) => (TrustDomain, Folder, Database) = (trustDomain, folder, database);

    /// <summary>Which trust domain it is to serve.</summary>
    public TrustDomainName TrustDomain { get; }

    /// <summary>The data folder, locked.</summary>
    public DataFolder Folder { get; }

    /// <summary>The store, wherever it is.</summary>
    public IStoreDatabase Database { get; }

    /// <summary>Seals all keys but the anchors'.</summary>
    public KeyEncryptionKey KeyEncryption => _keyEncryption ?? throw NotLoaded();

    /// <summary>Seals the anchors' keys.</summary>
    public KeyEncryptionKey AnchorEncryption => _anchorEncryption ?? throw NotLoaded();

    /// <summary>Takes the folder's lock and opens the store.</summary>
    /// <exception cref="InvalidDataException">Folder or store can't be used: the message says what to change.</exception>
    /// <exception cref="Grains.Interfaces.Errors.MeshException">NotReady: the store does not answer.</exception>
    public static async Task<SiloStore> OpenAsync(SiloOptions options, StoreOptions storeOptions, ILoggerFactory loggers)
    {
        var folder = DataFolder.Open(options.Data);
        try
        {
            return new SiloStore(options.TrustDomainName, folder, await StoreFactory.OpenAsync(storeOptions, folder, loggers, CancellationToken.None));
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Reads the key files.</summary>
    /// <param name="mayCreate">Whether they are made where the store holds nothing that is sealed.</param>
    /// <exception cref="InvalidDataException">One is missing, or is no key.</exception>
    public async Task LoadKeysAsync(bool mayCreate)
    {
        var create = mayCreate && !await SealedKeyStore.HoldsKeysAsync(Database, CancellationToken.None);
        _keyEncryption = KeyEncryptionKey.LoadOrCreate(Folder.KeyEncryptionKey, create);
        _anchorEncryption = KeyEncryptionKey.LoadOrCreate(Folder.AnchorEncryptionKey, create);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _keyEncryption?.Dispose();
        _anchorEncryption?.Dispose();
        Folder.Dispose();
    }

    private static InvalidOperationException NotLoaded() => new("The key files have not been read yet.");
}
