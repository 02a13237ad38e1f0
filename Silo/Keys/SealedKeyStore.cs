using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Silo.Storage;
using Mesh.Spiffe;

namespace Mesh.Silo.Keys;

/// <summary>Authority keys in the embedded store, sealed; anchors under a key-encryption key of their own.</summary>
internal sealed class SealedKeyStore(
    SqliteDatabase database, TrustDomainName trustDomain, KeyEncryptionKey keyEncryption, KeyEncryptionKey anchorEncryption) : IKeyStore
{
    public async Task<ECDsa> CreateAsync(KeyUse use, CancellationToken cancellationToken)
    {
        var key = ECDsa.Create(use == KeyUse.Anchor ? ECCurve.NamedCurves.nistP384 : ECCurve.NamedCurves.nistP256);
        try
        {
            var hash = KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo());
            var secret = key.ExportPkcs8PrivateKey();
            var record = EncryptionFor(use).Seal(secret, trustDomain, hash, use);
            CryptographicOperations.ZeroMemory(secret);
            await database.WriteAsync(
                (connection, transaction) =>
                {
                    using var insert = connection.Command(
                        transaction,
                        "INSERT INTO authority_key (key_hash, key_use, sealed) VALUES (@hash, @use, @sealed);",
                        ("hash", hash.ToString()),
                        ("use", (int)use),
                        ("sealed", record));
                    return insert.ExecuteNonQuery();
                },
                cancellationToken);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    public async Task<ECDsa?> LoadAsync(KeyHash keyHash, KeyUse use, CancellationToken cancellationToken)
    {
        var record = await database.ReadAsync(
            connection =>
            {
                using var select = connection.Command(
                    null, "SELECT sealed FROM authority_key WHERE key_hash = @hash;", ("hash", keyHash.ToString()));
                return (byte[]?)select.ExecuteScalar();
            },
            cancellationToken);
        if (record is null)
        {
            return null;
        }

        var secret = EncryptionFor(use).Open(record, trustDomain, keyHash, use);
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
    public static Task<bool> HoldsKeysAsync(SqliteDatabase database, CancellationToken cancellationToken) => database.ReadAsync(
        connection =>
        {
            using var select = connection.Command(null, "SELECT EXISTS (SELECT 1 FROM authority_key);");
            return (long)select.ExecuteScalar()! == 1;
        },
        cancellationToken);

    private KeyEncryptionKey EncryptionFor(KeyUse use) => use == KeyUse.Anchor ? anchorEncryption : keyEncryption;
}
