using System.Collections.Concurrent;
using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>A key store without a disk. The sealed one is tested with the silo.</summary>
internal sealed class MemoryKeyStore(StoreFaults faults) : IKeyStore
{
    private readonly ConcurrentDictionary<(KeyHash, KeyUse), byte[]> _keys = new();

    public Task<ECDsa> CreateAsync(KeyUse use, CancellationToken cancellationToken)
    {
        var key = ECDsa.Create(use == KeyUse.Anchor ? ECCurve.NamedCurves.nistP384 : ECCurve.NamedCurves.nistP256);
        Store(key, use);
        return Task.FromResult(key);
    }

    public Task ImportAsync(ECDsa key, KeyUse use, CancellationToken cancellationToken)
    {
        Store(key, use);
        return Task.CompletedTask;
    }

    public Task<ECDsa?> LoadAsync(KeyHash keyHash, KeyUse use, CancellationToken cancellationToken)
    {
        if (!_keys.TryGetValue((keyHash, use), out var pkcs8))
        {
            return Task.FromResult<ECDsa?>(null);
        }

        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        return Task.FromResult<ECDsa?>(key);
    }

    private void Store(ECDsa key, KeyUse use) =>
        faults.Write(() => _keys[(KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo()), use)] = key.ExportPkcs8PrivateKey());
}
