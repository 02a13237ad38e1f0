using System.Security.Cryptography;
using Mesh.Grains.Certificates;
using Mesh.Grains.Keys;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Hosting;
using Mesh.Spiffe;

namespace Mesh.Silo.Keys;

/// <summary>Whether this silo's key files open the keys of its trust domain: found out at the start, not at the first signature.</summary>
/// <remarks>
/// Only keys that the trust domain names count. Of two silos that start at once on an empty store with different files, the
/// store also holds what the one that came too late had sealed.
/// </remarks>
internal static class KeyEncryptionCheck
{
    /// <exception cref="InvalidDataException">A key file is not the cluster's: which one, and what to do.</exception>
    public static async Task EnsureOpensAsync(IKeyStore keys, TrustDomainState trust, DataFolder folder, CancellationToken cancellationToken)
    {
        await EnsureOpensAsync(keys, trust.ActiveAnchor.KeyHash, KeyUse.Anchor, folder.AnchorEncryptionKey, folder, cancellationToken);
        if (trust.ActiveIssuer(AuthorityPurpose.ControlPlane) is { } issuer)
        {
            await EnsureOpensAsync(keys, issuer.KeyHash, KeyUse.ControlPlaneIssuer, folder.KeyEncryptionKey, folder, cancellationToken);
        }

        foreach (var request in trust.Requests)
        {
            await EnsureOpensAsync(keys, request.KeyHash, request.Use, folder.KeyEncryptionKey, folder, cancellationToken);
        }
    }

    private static async Task EnsureOpensAsync(IKeyStore keys, KeyHash hash, KeyUse use, string file, DataFolder folder, CancellationToken cancellationToken)
    {
        try
        {
            (await keys.LoadAsync(hash, use, cancellationToken))?.Dispose();
        }
        catch (CryptographicException)
        {
            if (File.Exists(folder.NextKeyEncryptionKey) || File.Exists(folder.NextAnchorEncryptionKey))
            {
                throw new InvalidDataException("A rekey of this store was begun and has not ended. Run it again: mesh keystore rekey.");
            }

            throw new InvalidDataException(
                $"The key-encryption key {file} does not open the keys in the store. All silos of a cluster need the same key files: "
                + $"copy {Path.GetFileName(file)} from the data folder of a silo that runs.");
        }
    }
}
