using System.Security.Cryptography;
using Mesh.Spiffe;

namespace Mesh.Grains.Keys;

/// <summary>Private keys of authorities, insert-only by key hash. What it returns is never written to grain state or logs.</summary>
internal interface IKeyStore
{
    /// <summary>Makes a key and stores it; durable when the task ends. The caller disposes the key.</summary>
    Task<ECDsa> CreateAsync(KeyUse use, CancellationToken cancellationToken);

    /// <summary>Stores a key that was made elsewhere; durable when the task ends. Storing it again changes nothing.</summary>
    Task ImportAsync(ECDsa key, KeyUse use, CancellationToken cancellationToken);

    /// <summary>The key with that hash, or null where this store does not hold it. The caller disposes the key.</summary>
    /// <exception cref="CryptographicException">The record was altered, or was sealed under another key-encryption key.</exception>
    Task<ECDsa?> LoadAsync(KeyHash keyHash, KeyUse use, CancellationToken cancellationToken);
}

/// <summary>What a stored key is for; part of what seals it, so that a record can't be put to another use. Numbers are stored: append only.</summary>
internal enum KeyUse
{
    /// <summary>Signs issuers and bundle keys. P-384, under a key-encryption key of its own.</summary>
    Anchor = 1,

    /// <summary>Signs leaves of workloads. P-256.</summary>
    WorkloadIssuer = 2,

    /// <summary>Signs leaves of silos and ProxyHosts. P-256.</summary>
    ControlPlaneIssuer = 3,

    /// <summary>Signs the trust bundle. P-256.</summary>
    Bundle = 4,

    /// <summary>Signs join tokens. P-256.</summary>
    Token = 5,
}
