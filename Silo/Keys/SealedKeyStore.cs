using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Silo.Storage;
using Mesh.Spiffe;

namespace Mesh.Silo.Keys;

/// <summary>Authority keys in the silo's store, sealed; anchors under a key-encryption key of their own.</summary>
internal sealed class SealedKeyStore(
    IStoreDatabase database, TrustDomainName trustDomain, KeyEncryptionKey keyEncryption, KeyEncryptionKey anchorEncryption) : IKeyStore
{
    public async Task<ECDsa> CreateAsync(KeyUse use, CancellationToken cancellationToken)
    {
        var key = ECDsa.Create(use == KeyUse.Anchor ? ECCurve.NamedCurves.nistP384 : ECCurve.NamedCurves.nistP256);
        try
        {
            await ImportAsync(key, use, cancellationToken);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    public async Task ImportAsync(ECDsa key, KeyUse use, CancellationToken cancellationToken)
    {
        var hash = KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo());
        var secret = key.ExportPkcs8PrivateKey();
        var record = EncryptionFor(use).Seal(secret, trustDomain, hash, use);
        CryptographicOperations.ZeroMemory(secret);
        await database.WriteAsync(
            store => store.ExecuteAsync(
                "INSERT INTO authority_key (key_hash, key_use, sealed) VALUES (@hash, @use, @sealed) ON CONFLICT DO NOTHING;",
                ("hash", hash.ToString()),
                ("use", (int)use),
                ("sealed", record)),
            cancellationToken);
    }

    public async Task<ECDsa?> LoadAsync(KeyHash keyHash, KeyUse use, CancellationToken cancellationToken)
    {
        var record = await database.ReadAsync(
            store => store.ScalarAsync("SELECT sealed FROM authority_key WHERE key_hash = @hash;", ("hash", keyHash.ToString())),
            cancellationToken);
        if (record is null)
        {
            return null;
        }

        var secret = EncryptionFor(use).Open((byte[])record, trustDomain, keyHash, use);
        try
        {
            var key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(secret, out _);
            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Whether the store holds sealed keys, so that a missing key-encryption key must not be made anew.</summary>
    public static Task<bool> HoldsKeysAsync(IStoreDatabase database, CancellationToken cancellationToken) => database.ReadAsync(
        async store => await store.ScalarAsync("SELECT 1 FROM authority_key LIMIT 1;") is not null, cancellationToken);

    private KeyEncryptionKey EncryptionFor(KeyUse use) => use == KeyUse.Anchor ? anchorEncryption : keyEncryption;
}
