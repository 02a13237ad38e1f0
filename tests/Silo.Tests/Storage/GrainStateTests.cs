using Mesh.Grains.TrustDomains;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What grain state is held to, on every store.</summary>
public class GrainStateTests(PostgreSqlFixture postgreSql)
{
    private const string Name = "state";

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Of_sixteen_first_writers_at_once_one_wins(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var storage = store.GrainStorage();
        for (var round = 0; round < 10; round++)
        {
            var id = Id($"raced-{round}");

            var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => TryWriteAsync(storage, id, State(i)))));

            var winner = Assert.Single(outcomes, outcome => outcome is not null);
            Assert.Equal(winner, (await ReadAsync(storage, id)).State);
        }
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Of_sixteen_updaters_at_once_one_wins(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var storage = store.GrainStorage();
        var id = Id("raced");
        await TryWriteAsync(storage, id, State(0));
        var read = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ReadAsync(storage, id)));

        var outcomes = await Task.WhenAll(read.Select((held, i) => Task.Run(() =>
        {
            held.State = State(i + 1);
            return TryWriteAsync(storage, id, held);
        })));

        var winner = Assert.Single(outcomes, outcome => outcome is not null);
        Assert.Equal(winner, (await ReadAsync(storage, id)).State);
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task An_update_of_what_another_silo_has_changed_is_refused(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var (one, other) = (store.GrainStorage(), store.GrainStorage(await store.OpenAnotherAsync()));
        await TryWriteAsync(one, Id("a"), State(1));
        var held = await ReadAsync(one, Id("a"));
        var changed = await ReadAsync(other, Id("a"));
        changed.State = State(2);
        await other.WriteStateAsync(Name, Id("a"), changed);

        held.State = State(3);
        await Assert.ThrowsAsync<InconsistentStateException>(() => one.WriteStateAsync(Name, Id("a"), held));
        await Assert.ThrowsAsync<InconsistentStateException>(() => one.ClearStateAsync(Name, Id("a"), held));

        Assert.Equal(State(2), (await ReadAsync(one, Id("a"))).State);
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Cleared_state_is_gone_and_may_be_written_first_again(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var storage = store.GrainStorage();
        await TryWriteAsync(storage, Id("a"), State(1));
        var held = await ReadAsync(storage, Id("a"));

        await storage.ClearStateAsync(Name, Id("a"), held);

        Assert.False((await ReadAsync(storage, Id("a"))).RecordExists);
        Assert.False(held.RecordExists);
        Assert.Equal(State(2), await TryWriteAsync(storage, Id("a"), State(2)));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_thousand_grains_keep_their_own_state(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var storage = store.GrainStorage();

        await Parallel.ForEachAsync(
            Enumerable.Range(0, 1000), new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (i, _) => Assert.NotNull(await TryWriteAsync(storage, Id($"grain-{i}"), State(i))));

        var other = store.GrainStorage(await store.OpenAnotherAsync());
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 1000), new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (i, _) => Assert.Equal(State(i), (await ReadAsync(other, Id($"grain-{i}"))).State));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Keys_that_look_like_one_number_are_different_keys(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        var storage = store.GrainStorage();
        string[] keys = ["cafe", "0cafe", "CAFE", "7", "07", "7.0", "7+ext", "00000000000000000000000000000007", " 7", "7 ", "é", "e\u0301"];

        foreach (var (i, key) in keys.Index())
        {
            Assert.NotNull(await TryWriteAsync(storage, Id(key), State(i)));
        }

        foreach (var (i, key) in keys.Index())
        {
            Assert.Equal(State(i), (await ReadAsync(storage, Id(key))).State);
        }
    }

    private static GrainId Id(string key) => GrainId.Create("thing", key);

    private static TrustDomainState State(int sequence) => new() { Name = "a", Sequence = sequence };

    private static async Task<GrainState<TrustDomainState>> ReadAsync(GrainStateStorage storage, GrainId id)
    {
        var held = new GrainState<TrustDomainState>(new TrustDomainState());
        await storage.ReadStateAsync(Name, id, held);
        return held;
    }

    private static Task<TrustDomainState?> TryWriteAsync(GrainStateStorage storage, GrainId id, TrustDomainState state) =>
        TryWriteAsync(storage, id, new GrainState<TrustDomainState>(state));

    // What was written; null where another was first.
    private static async Task<TrustDomainState?> TryWriteAsync(GrainStateStorage storage, GrainId id, GrainState<TrustDomainState> state)
    {
        try
        {
            await storage.WriteStateAsync(Name, id, state);
            return state.State;
        }
        catch (InconsistentStateException)
        {
            return null;
        }
    }
}
