using System.Collections.Concurrent;
using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>Keys that were made once for all runs of a property, since making them would be most of a run. No key is given out twice in a run.</summary>
internal sealed class PooledKeyStore(StoreFaults faults) : IKeyStore
{
    private static readonly ConcurrentDictionary<int, (KeyHash Hash, byte[] Pkcs8)> Pool = new();

    private readonly Dictionary<(KeyHash, KeyUse), byte[]> _keys = [];
    private int _next;

    public Task<ECDsa> CreateAsync(KeyUse use, CancellationToken cancellationToken)
    {
        var (hash, pkcs8) = Pool.GetOrAdd(_next++, _ =>
        {
            using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return (KeyHash.OfPublicKey(made.ExportSubjectPublicKeyInfo()), made.ExportPkcs8PrivateKey());
        });
        faults.Write(() => _keys[(hash, use)] = pkcs8);
        return Task.FromResult(Import(pkcs8));
    }

    public Task ImportAsync(ECDsa key, KeyUse use, CancellationToken cancellationToken)
    {
        var (hash, pkcs8) = (KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo()), key.ExportPkcs8PrivateKey());
        faults.Write(() => _keys[(hash, use)] = pkcs8);
        return Task.CompletedTask;
    }

    public Task<ECDsa?> LoadAsync(KeyHash keyHash, KeyUse use, CancellationToken cancellationToken) =>
        Task.FromResult(_keys.TryGetValue((keyHash, use), out var pkcs8) ? Import(pkcs8) : null);

    private static ECDsa Import(byte[] pkcs8)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        return key;
    }
}
