using System.Security.Cryptography;

namespace Mesh.Silo.Backups;

/// <summary>
/// By which a silo knows a backup of its own cluster, unaltered: HMAC-SHA256 under a key that follows from the key-encryption key. Has
/// no loggable form.
/// </summary>
internal sealed class BackupSeal(byte[] key)
{
    /// <summary>Begins a seal over bytes that are yet to come. The caller disposes it.</summary>
    public IncrementalHash Begin() => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
}
