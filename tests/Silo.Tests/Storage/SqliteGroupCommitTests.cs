using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What is written together while the disk is busy.</summary>
public class SqliteGroupCommitTests
{
    private const string Insert = "INSERT INTO redemption (token_id, csr_hash, instance_id, expires_at) VALUES (@token, 'c', 'i', 0);";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_that_fails_is_undone_alone_and_the_rest_of_its_group_is_kept()
    {
        await using var store = await TestStore.OpenAsync(Directory.CreateTempSubdirectory("mesh-store-").FullName, null);
        var (busy, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = store.Database.WriteAsync(
            async session =>
            {
                busy.SetResult();
                await release.Task;
                return await session.ExecuteAsync(Insert, ("token", "first"));
            },
            Cancel);
        await busy.Task;
        // They wait for the first, and so are one group.
        var good = Enumerable.Range(0, 5).Select(i => store.Database.WriteAsync(session => session.ExecuteAsync(Insert, ("token", $"good-{i}")), Cancel)).ToList();
        var bad = store.Database.WriteAsync<int>(
            async session =>
            {
                await session.ExecuteAsync(Insert, ("token", "bad"));
                throw new InvalidDataException("after its statement");
            },
            Cancel);
        var late = store.Database.WriteAsync(session => session.ExecuteAsync(Insert, ("token", "late")), Cancel);
        release.SetResult();

        await Assert.ThrowsAsync<InvalidDataException>(() => bad);
        await first;
        await Task.WhenAll(good);
        await late;
        Assert.Equal(["first", "good-0", "good-1", "good-2", "good-3", "good-4", "late"], await TokensAsync(store.Database));
    }

    [Fact]
    public async Task One_whose_caller_has_gone_before_its_turn_is_not_done()
    {
        await using var store = await TestStore.OpenAsync(Directory.CreateTempSubdirectory("mesh-store-").FullName, null);
        var (busy, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = store.Database.WriteAsync(
            async session =>
            {
                busy.SetResult();
                await release.Task;
                return await session.ExecuteAsync(Insert, ("token", "first"));
            },
            Cancel);
        await busy.Task;
        using var gone = new CancellationTokenSource();
        var second = store.Database.WriteAsync(session => session.ExecuteAsync(Insert, ("token", "second")), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        release.SetResult();
        await first;

        await store.Database.WriteAsync(session => session.ExecuteAsync(Insert, ("token", "third")), Cancel);

        Assert.Equal(["first", "third"], await TokensAsync(store.Database));
    }

    private static Task<List<string>> TokensAsync(IStoreDatabase database) => database.ReadAsync(
        session => session.QueryAsync("SELECT token_id FROM redemption ORDER BY token_id;", row => row.GetString(0)), Cancel);
}
