using System.IO.Compression;
using System.Text;
using Mesh.Grains.Issuance;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Backups;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Silo.Tests.Backups;

/// <summary>What is backed up comes back, in any kind of store, and nothing else does.</summary>
public class BackupTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StoreProvider.Sqlite, StoreProvider.Sqlite)]
    [InlineData(StoreProvider.Sqlite, StoreProvider.PostgreSql)]
    [InlineData(StoreProvider.PostgreSql, StoreProvider.Sqlite)]
    public async Task A_backup_of_one_store_is_restored_into_another(StoreProvider from, StoreProvider to)
    {
        await using var source = await FilledAsync(from);
        using var file = await BackUpAsync(source);
        await using var target = await EmptyAsync(to, source);

        var report = await RestoreAsync(target, file.Path);

        foreach (var table in BackupTable.All)
        {
            var (before, after) = (await RowsAsync(source, table), await RowsAsync(target, table));
            // The trust domain begins anew, and has made the keys of two issuers.
            Assert.Equal(table.Name == "authority_key" ? before.Count + 2 : before.Count, after.Count);
            Assert.Empty(before.Where(row => !row.StartsWith("trust-domain", StringComparison.Ordinal)).Except(after));
        }

        Assert.Equal(TestStore.TrustDomain.Name, report.TrustDomain);
        var (old, restored) = (await TrustAsync(source), await TrustAsync(target));
        Assert.Equal(old.ActiveAnchor.KeyHash, restored.ActiveAnchor.KeyHash);
        Assert.Equal(report.Sequence, restored.Sequence);
        SignedBundle.Parse(restored.SignedBundle).VerifySuccessor(SignedBundle.Parse(old.SignedBundle).Bundle, TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public async Task A_restored_trust_domain_goes_beyond_every_sequence_that_was_handed_out_and_says_which_it_forgot()
    {
        await using var source = await FilledAsync(StoreProvider.Sqlite);
        using var file = await BackUpAsync(source);
        var atBackup = await TrustAsync(source);
        await using var target = await EmptyAsync(StoreProvider.Sqlite, source);

        await RestoreAsync(target, file.Path);

        var bundle = SignedBundle.Parse((await TrustAsync(target)).SignedBundle).Bundle;
        Assert.True(bundle.Forgotten!.Holds(atBackup.Sequence + 1));
        Assert.True(bundle.Forgotten.Holds(bundle.Sequence - 1));
        Assert.False(bundle.Forgotten.Holds(atBackup.Sequence));
        Assert.False(bundle.Forgotten.Holds(bundle.Sequence));
        Assert.True(bundle.Epoch > atBackup.Epoch + 1_000_000);
    }

    [Fact]
    public async Task A_backup_that_was_altered_anywhere_is_refused_and_nothing_of_it_is_used()
    {
        await using var source = await FilledAsync(StoreProvider.Sqlite);
        using var file = await BackUpAsync(source);
        var lines = await LinesAsync(file.Path);
        await using var target = await EmptyAsync(StoreProvider.Sqlite, source);
        string[][] altered =
        [
            [.. lines[..^2], lines[^1]],
            lines[..^1],
            [lines[0], lines[2], lines[1], .. lines[3..]],
            [.. lines, lines[^1]],
            [.. lines[..^1], "[\"redemption\",\"t\",\"c\",\"i\",1]", lines[^1]],
            [lines[0].Replace("2026", "2027", StringComparison.Ordinal).Replace("\"taken_at\":\"2", "\"taken_at\":\"3", StringComparison.Ordinal), .. lines[1..]],
            [lines[0], "[\"grain_state\",1]", .. lines[1..]],
            [lines[0], "[\"passwords\",1]", .. lines[1..]],
            [lines[0], "[\"grain_state\",", .. lines[1..]],
            [lines[0], .. lines[1..^1], "{\"seal\":null}"],
            [lines[0], .. lines[1..^1], "{"],
            ["{}", .. lines[1..]],
            [lines[0].Replace("mesh-backup/1", "mesh-backup/9", StringComparison.Ordinal), .. lines[1..]],
            [],
        ];

        foreach (var content in altered)
        {
            using var forged = await WriteAsync(content);
            await Assert.ThrowsAsync<InvalidDataException>(() => RestoreAsync(target, forged.Path));
            Assert.Empty(await RowsAsync(target, BackupTable.All[0]));
        }
    }

    [Fact]
    public async Task A_file_that_is_no_backup_or_is_cut_off_is_refused()
    {
        await using var source = await FilledAsync(StoreProvider.Sqlite);
        using var file = await BackUpAsync(source);
        await using var target = await EmptyAsync(StoreProvider.Sqlite, source);
        var bytes = await File.ReadAllBytesAsync(file.Path, Cancel);
        foreach (var content in (byte[][])["SQLite format 3"u8.ToArray(), [], bytes[..^(bytes.Length / 3)], bytes[..30]])
        {
            using var broken = new TempBackup();
            await File.WriteAllBytesAsync(broken.Path, content, Cancel);

            await Assert.ThrowsAsync<InvalidDataException>(() => RestoreAsync(target, broken.Path));
        }
    }

    [Fact]
    public async Task A_backup_needs_the_key_files_of_its_time_and_names_the_one_that_is_wrong()
    {
        await using var source = await FilledAsync(StoreProvider.Sqlite);
        using var file = await BackUpAsync(source);
        await using var target = await TestStore.OpenAsync(StoreProvider.Sqlite, postgreSql);

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => RestoreAsync(target, file.Path));

        Assert.Contains("key-encryption.key", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(source.Silo.KeyEncryption.Id, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_holds_something_is_not_restored_into()
    {
        await using var source = await FilledAsync(StoreProvider.Sqlite);
        using var file = await BackUpAsync(source);
        var before = await RowsAsync(source, BackupTable.All[0]);

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => RestoreAsync(source, file.Path));

        Assert.Contains("not empty", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await RowsAsync(source, BackupTable.All[0]));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_restore_that_was_cut_short_keeps_silos_out_until_it_is_run_again(StoreProvider provider)
    {
        await using var source = await FilledAsync(StoreProvider.Sqlite);
        using var file = await BackUpAsync(source);
        await using var target = await EmptyAsync(provider, source);
        // The disk fails when the trust domain is to begin: the rows are in, the end is missing.
        await Assert.ThrowsAsync<IOException>(() => new StoreRestore(target.Silo, new FailingStorage(target.GrainStorage()), TestTrust.Restoration(target)).RunAsync(file.Path, Cancel));

        await Assert.ThrowsAsync<InvalidDataException>(() => StoreRestore.EnsureFinishedAsync(target.Database, Cancel));
        await RestoreAsync(target, file.Path);

        await StoreRestore.EnsureFinishedAsync(target.Database, Cancel);
        Assert.Equal(await RowsAsync(source, BackupTable.All[2]), await RowsAsync(target, BackupTable.All[2]));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Every_column_of_every_table_is_in_a_backup_but_for_those_that_come_back_by_themselves(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var columns = await store.Database.ReadAsync(
            session => session.QueryAsync(
                provider == StoreProvider.Sqlite
                    ? "SELECT m.name, p.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table';"
                    : "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public';",
                row => $"{row.GetString(0)}.{row.GetString(1)}"),
            Cancel);
        string[] comesBack = ["reminder", "membership", "membership_version", "mesh_schema", "OrleansQuery", "orleansquery"];

        Assert.Equal(
            columns.Where(column => !comesBack.Contains(column.Split('.')[0])).Order(),
            BackupTable.All.SelectMany(table => table.Columns.Select(column => $"{table.Name}.{column.Name}")).Order());
    }

    private async Task<TestStore> FilledAsync(StoreProvider provider)
    {
        var store = await TestStore.OpenAsync(provider, postgreSql);
        await TestTrust.Genesis(store).CreateOrLoadAsync(TestStore.TrustDomain, Cancel);
        var issuance = new IssuanceStore(store.Database);
        for (var i = 0; i < 20; i++)
        {
            Assert.All(await issuance.AppendAsync([TestRecords.Record(i, $"instance-{i}")], Cancel), outcome => Assert.Equal(AppendOutcome.Appended, outcome));
        }

        await store.Database.WriteAsync(
            session => session.ExecuteAsync("INSERT INTO redemption (token_id, csr_hash, instance_id, expires_at) VALUES ('zwölf', 'csr', 'i', 9223372036854775807);"), Cancel);
        return store;
    }

    // With the key files of another, as an operator puts them there.
    private async Task<TestStore> EmptyAsync(StoreProvider provider, TestStore other)
    {
        var store = await TestStore.OpenAsync(provider, postgreSql);
        File.Copy(other.Silo.Folder.KeyEncryptionKey, store.Silo.Folder.KeyEncryptionKey, overwrite: true);
        File.Copy(other.Silo.Folder.AnchorEncryptionKey, store.Silo.Folder.AnchorEncryptionKey, overwrite: true);
        await store.Silo.LoadKeysAsync(mayCreate: false);
        return store;
    }

    private static async Task<TempBackup> BackUpAsync(TestStore store)
    {
        using var taker = new BackupTaker(store.Silo, TimeProvider.System);
        await using var backup = await taker.TakeAsync(Cancel);
        var file = new TempBackup();
        await using var copy = File.Create(file.Path);
        await backup.File.CopyToAsync(copy, Cancel);
        return file;
    }

    private static Task<RestoreReport> RestoreAsync(TestStore store, string path) =>
        new StoreRestore(store.Silo, store.GrainStorage(), TestTrust.Restoration(store)).RunAsync(path, Cancel);

    private static Task<List<string>> RowsAsync(TestStore store, BackupTable table) => store.Database.ReadAsync(
        session => session.QueryAsync(
            $"SELECT {string.Join(", ", table.Columns.Select(column => column.Name))} FROM {table.Name} ORDER BY 1, 2, 3;",
            row => string.Join('|', table.Columns.Select((column, i) => column.Value == BackupValue.Bytes ? Convert.ToHexString(row.GetFieldValue<byte[]>(i)) : $"{row.GetValue(i)}"))),
        Cancel);

    private static Task<TrustDomainState> TrustAsync(TestStore store) => TestTrust.Genesis(store).CreateOrLoadAsync(TestStore.TrustDomain, Cancel);

    private static async Task<string[]> LinesAsync(string path)
    {
        await using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var reader = new StreamReader(gzip);
        return (await reader.ReadToEndAsync(Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task<TempBackup> WriteAsync(string[] lines)
    {
        var file = new TempBackup();
        await using var gzip = new GZipStream(File.Create(file.Path), CompressionLevel.Fastest);
        await gzip.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))), Cancel);
        return file;
    }

    private sealed class TempBackup : IDisposable
    {
        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
