using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What sealed keys are held to, on every store.</summary>
public class SealedKeyStoreTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_key_that_was_made_by_one_silo_signs_at_another(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        Assert.False(await SealedKeyStore.HoldsKeysAsync(store.Database, Cancel));
        foreach (var use in Enum.GetValues<KeyUse>())
        {
            using var made = await store.KeyStore().CreateAsync(use, Cancel);

            using var loaded = await store.KeyStore(await store.OpenAnotherAsync()).LoadAsync(HashOf(made), use, Cancel);

            Assert.True(made.VerifyData("x"u8, loaded!.SignData("x"u8, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
        }

        Assert.True(await SealedKeyStore.HoldsKeysAsync(store.Database, Cancel));
        Assert.Null(await store.KeyStore().LoadAsync(KeyHash.OfPublicKey("unknown"u8), KeyUse.Token, Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_key_that_was_brought_is_sealed_once_however_often_it_comes(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        using var brought = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => store.KeyStore().ImportAsync(brought, KeyUse.Anchor, Cancel)));

        using var loaded = await store.KeyStore().LoadAsync(HashOf(brought), KeyUse.Anchor, Cancel);
        Assert.True(brought.VerifyData("x"u8, loaded!.SignData("x"u8, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
        await Assert.ThrowsAnyAsync<CryptographicException>(() => store.KeyStore().LoadAsync(HashOf(brought), KeyUse.Token, Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_record_that_was_altered_does_not_open(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        using var key = await store.KeyStore().CreateAsync(KeyUse.WorkloadIssuer, Cancel);
        var hash = HashOf(key);
        var record = (byte[])(await store.Database.ReadAsync(
            session => session.ScalarAsync("SELECT sealed FROM authority_key WHERE key_hash = @hash;", ("hash", hash.ToString())), Cancel))!;
        for (var place = 0; place < record.Length; place += 13)
        {
            var altered = record.ToArray();
            altered[place] ^= 1;
            await store.Database.WriteAsync(session => session.ExecuteAsync("UPDATE authority_key SET sealed = @sealed;", ("sealed", altered)), Cancel);

            await Assert.ThrowsAnyAsync<CryptographicException>(() => store.KeyStore().LoadAsync(hash, KeyUse.WorkloadIssuer, Cancel));
        }
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_record_that_was_moved_to_another_name_or_use_does_not_open(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        using var key = await store.KeyStore().CreateAsync(KeyUse.WorkloadIssuer, Cancel);

        await Assert.ThrowsAnyAsync<CryptographicException>(() => store.KeyStore().LoadAsync(HashOf(key), KeyUse.ControlPlaneIssuer, Cancel));
        await Assert.ThrowsAnyAsync<CryptographicException>(() => store.KeyStore().LoadAsync(HashOf(key), KeyUse.Anchor, Cancel));

        var other = KeyHash.OfPublicKey("other"u8);
        await store.Database.WriteAsync(session => session.ExecuteAsync("UPDATE authority_key SET key_hash = @hash;", ("hash", other.ToString())), Cancel);
        await Assert.ThrowsAnyAsync<CryptographicException>(() => store.KeyStore().LoadAsync(other, KeyUse.WorkloadIssuer, Cancel));
    }

    private static KeyHash HashOf(ECDsa key) => KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo());
}
