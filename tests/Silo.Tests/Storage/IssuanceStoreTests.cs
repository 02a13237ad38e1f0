using Mesh.Grains.Issuance;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Mesh.Spiffe;
using static Mesh.Silo.Tests.Support.TestRecords;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What issuance records and redemptions are held to, on every store.</summary>
public class IssuanceStoreTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_record_comes_back_as_it_was(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);

        await issuance.AppendAsync([Record(1, "a"), Record(2, "a", generation: 2)], Cancel);

        var latest = await issuance.FindLatestAsync("a", Cancel);
        Assert.Equal(Comparable(Record(2, "a", generation: 2)), Comparable(latest!));
        Assert.Equal(3, await issuance.GetNextIndexAsync(Issuer, 0, Cancel));
        Assert.Equal(1, await issuance.GetNextIndexAsync(Issuer, 1, Cancel));
        Assert.Null(await issuance.FindLatestAsync("nobody", Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Of_each_instance_asked_for_the_newest_record_comes_back(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);
        await issuance.AppendAsync([Record(1, "a"), Record(2, "a", generation: 2), Record(3, "b"), Record(4, "c")], Cancel);

        var latest = await issuance.FindLatestAsync(["a", "b", "nobody"], Cancel);

        Assert.Equal(
            [Comparable(Record(2, "a", generation: 2)), Comparable(Record(3, "b"))],
            latest.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => Comparable(pair.Value)));
        Assert.Empty(await issuance.FindLatestAsync([], Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Each_record_of_a_batch_has_its_own_outcome(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);
        await issuance.AppendAsync([Record(1, "a")], Cancel);

        var outcomes = await issuance.AppendAsync([Record(2, "b"), Record(3, "a"), Record(1, "c"), Record(4, "b"), Record(4, "d")], Cancel);

        Assert.Equal(
            [AppendOutcome.Appended, AppendOutcome.GenerationTaken, AppendOutcome.IndexTaken, AppendOutcome.GenerationTaken, AppendOutcome.Appended],
            outcomes);
        Assert.Null(await issuance.FindLatestAsync("c", Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Of_two_writers_of_one_shard_each_index_has_one(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        IssuanceStore[] writers = [new(store.Database), new(await store.OpenAnotherAsync())];

        var outcomes = await Task.WhenAll(writers.Select((writer, w) => Task.Run(() => writer.AppendAsync(
            [.. Enumerable.Range(1, 100).Select(i => Record(i, $"{w}-{i}"))], Cancel))));

        Assert.Equal(100, outcomes.Sum(batch => batch.Count(outcome => outcome == AppendOutcome.Appended)));
        Assert.Equal(101, await writers[0].GetNextIndexAsync(Issuer, 0, Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_batch_may_be_larger_than_a_statement(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);

        var outcomes = await issuance.AppendAsync([.. Enumerable.Range(1, 600).Select(i => Record(i, $"i-{i}"))], Cancel);

        Assert.Equal(600, outcomes.Count(outcome => outcome == AppendOutcome.Appended));
        Assert.Equal(601, await issuance.GetNextIndexAsync(Issuer, 0, Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task The_live_are_the_newest_of_each_instance_that_has_not_expired(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);
        var voting = SpiffeId.ForWorkload(TestStore.TrustDomain, "emojivoto", "voting");
        await issuance.AppendAsync(
            [
                Record(1, "b"), Record(2, "b", generation: 2), Record(3, "a"), Record(4, "old", days: -1), Record(5, "v", id: voting),
                Record(6, "revived"), Record(7, "revived", generation: 2, days: -1),
            ],
            Cancel);

        var web = await issuance.ListLiveAsync(Web, Now, 10, Cancel);
        var all = await issuance.ListLiveAsync(null, Now, 2, Cancel);

        Assert.Equal([("a", 1L), ("b", 2L)], web.Select(record => (record.InstanceId, record.Generation)));
        Assert.Equal(["v", "a"], all.Select(record => record.InstanceId));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Of_sixteen_that_redeem_a_token_at_once_one_does(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        IssuanceStore[] silos = [new(store.Database), new(await store.OpenAnotherAsync())];

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() =>
            silos[i % 2].RedeemAsync(new TokenRedemption("token", $"csr-{i}", $"instance-{i}", Now), Cancel))));

        var winner = Array.FindIndex(answers, answer => answer is not null);
        Assert.Equal($"instance-{winner}", Assert.Single(answers, answer => answer is not null));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_repeat_with_the_same_request_has_the_same_answer(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() =>
            issuance.RedeemAsync(new TokenRedemption("token", "csr", $"instance-{i}", Now), Cancel))));

        Assert.NotNull(Assert.Single(answers.Distinct()));
        Assert.Null(await issuance.RedeemAsync(new TokenRedemption("token", "another", "thief", Now), Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task What_has_ended_long_ago_is_forgotten_a_bounded_number_of_rows_at_a_time(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var issuance = new IssuanceStore(store.Database);
        await issuance.AppendAsync([.. Enumerable.Range(1, 5).Select(i => Record(i, $"ended-{i}", days: -i)), Record(6, "alive"), Record(7, "alive", generation: 2)], Cancel);
        await issuance.RedeemAsync(new TokenRedemption("spent", "csr", "i", Now.AddDays(-1)), Cancel);
        await issuance.RedeemAsync(new TokenRedemption("good", "csr", "i", Now.AddDays(1)), Cancel);

        Assert.Equal(3, await issuance.PruneAsync(Now, Now.AddDays(-2), 3, Cancel));
        Assert.Equal(3, await issuance.PruneAsync(Now, Now, 3, Cancel));
        Assert.Equal(0, await issuance.PruneAsync(Now, Now, 3, Cancel));

        Assert.Equal(["alive"], (await issuance.ListLiveAsync(null, Now.AddDays(-9), 10, Cancel)).Select(record => record.InstanceId));
        Assert.Null(await issuance.RedeemAsync(new TokenRedemption("good", "another", "thief", Now.AddDays(1)), Cancel));
        Assert.Equal("new", await issuance.RedeemAsync(new TokenRedemption("spent", "another", "new", Now.AddDays(1)), Cancel));
    }

    private static string Comparable(IssuanceRecord record) =>
        record with { Leaf = default, IssuerCertificate = default } + Convert.ToHexString(record.Leaf.Span) + Convert.ToHexString(record.IssuerCertificate.Span);
}
