using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Silo.Hosting;
using Mesh.Silo.Storage;
using Mesh.Spiffe;

namespace Mesh.Silo.Keys;

/// <summary>Seals every key in the store under new key-encryption keys, while no silo works on it.</summary>
/// <remarks>
/// The new keys lie in files of their own before anything is sealed under them, and all is sealed in one transaction; whatever it is that
/// cuts it short, running it again ends it. The old key files stay, named after their keys: older backups need them.
/// </remarks>
/// <param name="isNamed">
/// Whether the trust domain names a key. Of silos that started at once on an empty store with different key files, the one that came too
/// late has left keys that nobody names and no key file here opens: they stay as they are.
/// </param>
internal sealed class KeyStoreRekey(IStoreDatabase database, TrustDomainName trustDomain, DataFolder folder, Func<KeyHash, bool> isNamed)
{
    /// <exception cref="InvalidDataException">A sealed key opens under none of the key files; nothing was changed.</exception>
    public async Task<RekeyReport> RunAsync(CancellationToken cancellationToken)
    {
        using var keys = new Pair(folder.KeyEncryptionKey, folder.NextKeyEncryptionKey);
        using var anchors = new Pair(folder.AnchorEncryptionKey, folder.NextAnchorEncryptionKey);
        var sealedKeys = await database.WriteAsync(store => SealAsync(store, keys, anchors), cancellationToken);
        return new RekeyReport(trustDomain.Name, sealedKeys, keys.Next.Id, anchors.Next.Id, [keys.Promote(), anchors.Promote()]);
    }

    private async Task<int> SealAsync(StoreSession store, Pair keys, Pair anchors)
    {
        var rows = await store.QueryAsync(
            "SELECT key_hash, key_use, sealed FROM authority_key;",
            row => (Hash: KeyHash.Parse(row.GetString(0)), Use: (KeyUse)row.GetInt32(1), Sealed: row.GetFieldValue<byte[]>(2)));
        var left = 0;
        foreach (var (hash, use, record) in rows)
        {
            var pair = use == KeyUse.Anchor ? anchors : keys;
            if (pair.Open(record, trustDomain, hash, use, mustOpen: isNamed(hash)) is not { } secret)
            {
                left++;
                continue;
            }

            var next = pair.Next.Seal(secret, trustDomain, hash, use);
            CryptographicOperations.ZeroMemory(secret);
            await store.ExecuteAsync("UPDATE authority_key SET sealed = @sealed WHERE key_hash = @hash;", ("sealed", next), ("hash", hash.ToString()));
        }

        return rows.Count - left;
    }

    // A key file and the one that takes its place.
    private sealed class Pair(string path, string nextPath) : IDisposable
    {
        private readonly KeyEncryptionKey _current = KeyEncryptionKey.LoadOrCreate(path, create: false);

        public KeyEncryptionKey Next { get; } = KeyEncryptionKey.LoadOrCreate(nextPath, create: true);

        public byte[]? Open(byte[] record, TrustDomainName trustDomain, KeyHash hash, KeyUse use, bool mustOpen)
        {
            try
            {
                return _current.Open(record, trustDomain, hash, use);
            }
            catch (CryptographicException)
            {
                // Sealed already, by a try before this one.
                return OpenUnderNext(record, trustDomain, hash, use, mustOpen);
            }
        }

        /// <summary>Puts the new file in the old one's place.</summary>
        /// <returns>Where the old one is.</returns>
        public string Promote()
        {
            var kept = $"{path}.{_current.Id}";
            File.Copy(path, kept, overwrite: true);
            // On disk before the name is gone: older backups need it.
            using (var copy = new FileStream(kept, FileMode.Open, FileAccess.ReadWrite))
            {
                copy.Flush(flushToDisk: true);
            }

            File.Move(nextPath, path, overwrite: true);
            return kept;
        }

        public void Dispose()
        {
            _current.Dispose();
            Next.Dispose();
        }

        private byte[]? OpenUnderNext(byte[] record, TrustDomainName trustDomain, KeyHash hash, KeyUse use, bool mustOpen)
        {
            try
            {
                return Next.Open(record, trustDomain, hash, use);
            }
            catch (CryptographicException) when (!mustOpen)
            {
                return null;
            }
            catch (CryptographicException)
            {
                throw new InvalidDataException(
                    $"The stored key {hash} opens under neither {path} nor {nextPath}. Put the cluster's key file back; nothing was changed.");
            }
        }
    }
}

/// <summary>What a rekey has done.</summary>
/// <param name="TrustDomain">Whose keys they are.</param>
/// <param name="Keys">How many are sealed anew.</param>
/// <param name="KeyEncryptionKey">Names the key in <c>key-encryption.key</c> from now on.</param>
/// <param name="AnchorEncryptionKey">Names the key in <c>anchor-encryption.key</c>, likewise.</param>
/// <param name="Kept">The files with the old ones.</param>
internal sealed record RekeyReport(string TrustDomain, int Keys, string KeyEncryptionKey, string AnchorEncryptionKey, IReadOnlyList<string> Kept);
