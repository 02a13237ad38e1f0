using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Silo.Tests.Keys;

public class KeyStoreRekeyTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Every_key_opens_under_the_new_key_files_and_none_under_the_old(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var keys = await FillAsync(store);
        var (before, old) = (store.KeyStore(), (store.Silo.KeyEncryption.Id, store.Silo.AnchorEncryption.Id));

        var report = await RekeyAsync(store);

        foreach (var (hash, use) in keys)
        {
            await Assert.ThrowsAnyAsync<CryptographicException>(() => before.LoadAsync(hash, use, Cancel));
        }

        await store.Silo.LoadKeysAsync(mayCreate: false);
        await AllOpenAsync(store, keys);
        Assert.Equal(keys.Count, report.Keys);
        Assert.Equal((store.Silo.KeyEncryption.Id, store.Silo.AnchorEncryption.Id), (report.KeyEncryptionKey, report.AnchorEncryptionKey));
        Assert.NotEqual(old, (report.KeyEncryptionKey, report.AnchorEncryptionKey));
        Assert.False(File.Exists(store.Silo.Folder.NextKeyEncryptionKey));
        // What older backups need is still there, for its owner alone.
        Assert.Equal([old.Item1, old.Item2], report.Kept.Select(kept => IdOf(kept)));
        Assert.All(report.Kept, kept => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(kept)));
    }

    [Theory]
    [InlineData("before the keys were sealed")]
    [InlineData("before the first file was promoted")]
    [InlineData("before the second file was promoted")]
    public async Task A_rekey_that_was_cut_short_is_ended_by_running_it_again(string cut)
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.Sqlite, postgreSql);
        var keys = await FillAsync(store);
        var folder = store.Silo.Folder;
        var old = (await File.ReadAllBytesAsync(folder.KeyEncryptionKey, Cancel), await File.ReadAllBytesAsync(folder.AnchorEncryptionKey, Cancel));
        if (cut == "before the keys were sealed")
        {
            KeyEncryptionKey.LoadOrCreate(folder.NextKeyEncryptionKey, create: true).Dispose();
        }
        else
        {
            // Done, and the files put back to where they were before the end.
            await RekeyAsync(store);
            File.Move(folder.AnchorEncryptionKey, folder.NextAnchorEncryptionKey);
            await File.WriteAllBytesAsync(folder.AnchorEncryptionKey, old.Item2, Cancel);
            if (cut == "before the first file was promoted")
            {
                File.Move(folder.KeyEncryptionKey, folder.NextKeyEncryptionKey);
                await File.WriteAllBytesAsync(folder.KeyEncryptionKey, old.Item1, Cancel);
            }
        }

        await RekeyAsync(store);

        await store.Silo.LoadKeysAsync(mayCreate: false);
        await AllOpenAsync(store, keys);
    }

    [Fact]
    public async Task A_key_that_does_not_open_stops_it_and_nothing_is_changed()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.Sqlite, postgreSql);
        var keys = await FillAsync(store);
        var anchorKey = await File.ReadAllBytesAsync(store.Silo.Folder.AnchorEncryptionKey, Cancel);
        File.Delete(store.Silo.Folder.AnchorEncryptionKey);
        KeyEncryptionKey.LoadOrCreate(store.Silo.Folder.AnchorEncryptionKey, create: true).Dispose();

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => RekeyAsync(store));

        Assert.Contains(keys.Single(key => key.Use == KeyUse.Anchor).Hash.ToString(), refusal.Message, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(store.Silo.Folder.AnchorEncryptionKey, anchorKey, Cancel);
        await store.Silo.LoadKeysAsync(mayCreate: false);
        await AllOpenAsync(store, keys);
    }

    [Fact]
    public async Task A_foreign_key_that_nobody_names_stays_as_it_is_and_is_in_nobodys_way()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.Sqlite, postgreSql);
        var keys = await FillAsync(store);
        var foreign = KeyHash.OfPublicKey("foreign"u8);
        await store.Database.WriteAsync(
            session => session.ExecuteAsync("INSERT INTO authority_key (key_hash, key_use, sealed) VALUES (@hash, 2, @sealed);", ("hash", foreign.ToString()), ("sealed", new byte[80])), Cancel);
        await Assert.ThrowsAsync<InvalidDataException>(() => RekeyAsync(store));

        var report = await RekeyAsync(store, hash => hash != foreign);

        Assert.Equal(keys.Count, report.Keys);
        await store.Silo.LoadKeysAsync(mayCreate: false);
        await AllOpenAsync(store, keys);
    }

    private static async Task<List<(KeyHash Hash, KeyUse Use)>> FillAsync(TestStore store)
    {
        var keys = new List<(KeyHash, KeyUse)>();
        foreach (var use in Enum.GetValues<KeyUse>())
        {
            using var key = await store.KeyStore().CreateAsync(use, Cancel);
            keys.Add((KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo()), use));
        }

        return keys;
    }

    private static async Task AllOpenAsync(TestStore store, List<(KeyHash Hash, KeyUse Use)> keys)
    {
        foreach (var (hash, use) in keys)
        {
            using var key = await store.KeyStore().LoadAsync(hash, use, Cancel);
            Assert.Equal(hash, KeyHash.OfPublicKey(key!.ExportSubjectPublicKeyInfo()));
        }
    }

    private static Task<RekeyReport> RekeyAsync(TestStore store, Func<KeyHash, bool>? isNamed = null) => new KeyStoreRekey(store.Database, TestStore.TrustDomain, store.Silo.Folder, isNamed ?? (_ => true)).RunAsync(Cancel);

    private static string IdOf(string path)
    {
        using var key = KeyEncryptionKey.LoadOrCreate(path, create: false);
        return key.Id;
    }
}
