using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Orleans;
using Orleans.Runtime;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What reminders are held to, on every store.</summary>
public class ReminderTableTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly DateTime Start = new(2026, 1, 1, 12, 30, 15, DateTimeKind.Utc);

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_reminder_comes_back_as_it_was_and_changes_in_place(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        using var tables = await OpenAsync(store);
        var first = await tables.Reminders.UpsertRow(Entry("a", "tick"), Cancel);
        var second = await tables.Reminders.UpsertRow(Entry("a", "tick", TimeSpan.FromDays(40)), Cancel);
        await tables.Reminders.UpsertRow(Entry("a", "tock"), Cancel);

        var row = await tables.Reminders.ReadRow(Entry("a", "tick").GrainId, "tick", Cancel);

        Assert.NotEqual(first, second);
        Assert.Equal((second, TimeSpan.FromDays(40), Start), (row!.ETag, row.Period, row.StartAt));
        Assert.Equal(2, (await tables.Reminders.ReadRows(row.GrainId, Cancel)).Reminders.Count);
        Assert.Null(await tables.Reminders.ReadRow(row.GrainId, "nothing", Cancel));
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task A_stale_delete_is_refused(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        using var tables = await OpenAsync(store);
        var stale = await tables.Reminders.UpsertRow(Entry("a", "tick"), Cancel);
        var held = await tables.Reminders.UpsertRow(Entry("a", "tick"), Cancel);
        var id = Entry("a", "tick").GrainId;

        Assert.False(await tables.Reminders.RemoveRow(id, "tick", stale!, Cancel));
        Assert.True(await tables.Reminders.RemoveRow(id, "tick", held!, Cancel));
        Assert.False(await tables.Reminders.RemoveRow(id, "tick", held!, Cancel));
        Assert.Empty((await tables.Reminders.ReadRows(id, Cancel)).Reminders);
    }

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Every_range_of_the_ring_finds_its_reminders_also_around_its_end(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        using var tables = await OpenAsync(store);
        var entries = Enumerable.Range(0, 50).Select(i => Entry($"grain-{i}", "tick")).ToList();
        foreach (var entry in entries)
        {
            await tables.Reminders.UpsertRow(entry, Cancel);
        }

        const uint quarter = uint.MaxValue / 4;
        (uint Begin, uint End)[] ranges =
            [(0, quarter), (quarter, 2 * quarter), (quarter, 3 * quarter), (3 * quarter, quarter), (2 * quarter, 0), (uint.MaxValue - 5, 5), (7, 7)];
        foreach (var (begin, end) in ranges)
        {
            var expected = entries.Where(entry => IsInside(entry.GrainId.GetUniformHashCode(), begin, end)).Select(entry => entry.GrainId).Order();

            var found = (await tables.Reminders.ReadRows(begin, end, Cancel)).Reminders.Select(entry => entry.GrainId).Order();

            Assert.Equal(expected, found);
        }
    }

    // The ring's ranges leave their begin out and have their end in; one that begins where it ends is the whole ring.
    private static bool IsInside(uint hash, uint begin, uint end) => begin < end ? hash > begin && hash <= end : hash > begin || hash <= end;

    private static ReminderEntry Entry(string key, string name, TimeSpan? period = null) => new()
    {
        GrainId = GrainId.Create("thing", key),
        ReminderName = name,
        StartAt = Start,
        Period = period ?? TimeSpan.FromMinutes(1),
    };

    private static async Task<OrleansTables> OpenAsync(TestStore store)
    {
        var tables = OrleansTables.On(store.Database);
        await tables.Reminders.StartAsync(Cancel);
        return tables;
    }
}
