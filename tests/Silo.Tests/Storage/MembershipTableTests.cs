using System.Net;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Orleans;
using Orleans.Runtime;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What Orleans asks of a membership table, on PostgreSQL.</summary>
public class MembershipTableTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly DateTime Start = new(2026, 1, 1, 12, 30, 15, DateTimeKind.Utc);

    [Fact]
    public async Task A_silo_comes_back_as_it_was_with_the_next_version()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.PostgreSql, postgreSql);
        using var tables = await OpenAsync(store);
        var empty = await tables.Membership.ReadAllAsync(Cancel);
        Assert.Empty(empty.Members);

        Assert.True(await tables.Membership.InsertRowAsync(Silo(1), empty.Version.Next(), Cancel));

        var one = await tables.Membership.ReadRowAsync(Silo(1).SiloAddress, Cancel);
        Assert.Equal(empty.Version.Version + 1, one.Version.Version);
        var entry = Assert.Single(one.Members).Item1;
        Assert.Equal((SiloStatus.Joining, "silo-1", 30001, Start), (entry.Status, entry.SiloName, entry.ProxyPort, entry.StartTime));
        var nobody = await tables.Membership.ReadRowAsync(Silo(2).SiloAddress, Cancel);
        Assert.Empty(nobody.Members);
        Assert.Equal(one.Version.Version, nobody.Version.Version);
    }

    [Fact]
    public async Task Of_sixteen_that_insert_from_one_version_one_does()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.PostgreSql, postgreSql);
        using var tables = await OpenAsync(store);
        var version = (await tables.Membership.ReadAllAsync(Cancel)).Version;

        var inserted = await Task.WhenAll(Enumerable.Range(1, 16).Select(i => Task.Run(() => tables.Membership.InsertRowAsync(Silo(i), version.Next(), Cancel))));

        Assert.Single(inserted, outcome => outcome);
        var all = await tables.Membership.ReadAllAsync(Cancel);
        Assert.Single(all.Members);
        Assert.Equal(version.Version + 1, all.Version.Version);
    }

    [Fact]
    public async Task A_silo_is_inserted_once()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.PostgreSql, postgreSql);
        using var tables = await OpenAsync(store);
        await tables.Membership.InsertRowAsync(Silo(1), (await tables.Membership.ReadAllAsync(Cancel)).Version.Next(), Cancel);
        var version = (await tables.Membership.ReadAllAsync(Cancel)).Version;

        Assert.False(await tables.Membership.InsertRowAsync(Silo(1), version.Next(), Cancel));

        Assert.Equal(version.Version, (await tables.Membership.ReadAllAsync(Cancel)).Version.Version);
    }

    [Fact]
    public async Task Of_sixteen_that_update_from_one_version_one_does_and_the_stale_are_refused()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.PostgreSql, postgreSql);
        using var tables = await OpenAsync(store);
        await tables.Membership.InsertRowAsync(Silo(1), (await tables.Membership.ReadAllAsync(Cancel)).Version.Next(), Cancel);
        var (version, etag) = await ReadAsync(tables);

        var updated = await Task.WhenAll(Enumerable.Range(1, 16).Select(i => Task.Run(() =>
        {
            var entry = Silo(1);
            entry.Status = SiloStatus.Active;
            entry.AddSuspector(Silo(100 + i).SiloAddress, Start);
            return tables.Membership.UpdateRowAsync(entry, etag, version.Next(), Cancel);
        })));

        Assert.Single(updated, outcome => outcome);
        var all = await tables.Membership.ReadAllAsync(Cancel);
        Assert.Equal(version.Version + 1, all.Version.Version);
        var held = Assert.Single(all.Members).Item1;
        Assert.Equal(SiloStatus.Active, held.Status);
        Assert.Single(held.SuspectTimes!);
        Assert.False(await tables.Membership.UpdateRowAsync(Silo(1), etag, version.Next(), Cancel));
        Assert.False(await tables.Membership.UpdateRowAsync(Silo(2), etag, all.Version.Next(), Cancel));
        Assert.Equal(all.Version.Version, (await tables.Membership.ReadAllAsync(Cancel)).Version.Version);
    }

    [Fact]
    public async Task A_heartbeat_moves_no_version_and_of_the_silent_only_the_dead_are_cleaned_up()
    {
        await using var store = await TestStore.OpenAsync(StoreProvider.PostgreSql, postgreSql);
        using var tables = await OpenAsync(store);
        foreach (var i in Enumerable.Range(1, 3))
        {
            await tables.Membership.InsertRowAsync(Silo(i), (await tables.Membership.ReadAllAsync(Cancel)).Version.Next(), Cancel);
        }

        var dead = Silo(3);
        dead.Status = SiloStatus.Dead;
        var (before, etag) = await ReadAsync(tables);
        Assert.True(await tables.Membership.UpdateRowAsync(dead, etag, before.Next(), Cancel));
        var version = (await tables.Membership.ReadAllAsync(Cancel)).Version;
        var alive = Silo(1);
        alive.IAmAliveTime = Start.AddHours(1);

        await tables.Membership.UpdateIAmAliveAsync(alive, Cancel);
        await tables.Membership.CleanupDefunctSiloEntriesAsync(new DateTimeOffset(Start.AddMinutes(1)), Cancel);

        var all = await tables.Membership.ReadAllAsync(Cancel);
        Assert.Equal(version.Version, all.Version.Version);
        Assert.Equal(
            [("silo-1", Start.AddHours(1)), ("silo-2", Start)],
            all.Members.Select(member => (member.Item1.SiloName, member.Item1.IAmAliveTime)).Order());
        await tables.Membership.DeleteMembershipTableEntriesAsync("east.mesh.example", Cancel);
    }

    private static MembershipEntry Silo(int number) => new()
    {
        SiloAddress = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 11000 + number), 7),
        SiloName = $"silo-{number}",
        HostName = "host",
        Status = SiloStatus.Joining,
        ProxyPort = 30000 + number,
        StartTime = Start,
        IAmAliveTime = Start,
    };

    // The table's version and the first row's own tag.
    private static async Task<(TableVersion Version, string ETag)> ReadAsync(OrleansTables tables)
    {
        var all = await tables.Membership.ReadAllAsync(Cancel);
        return (all.Version, all.Members[0].Item2);
    }

    private static async Task<OrleansTables> OpenAsync(TestStore store)
    {
        var tables = OrleansTables.On(store.Database);
        await tables.Membership.InitializeMembershipTableAsync(true, Cancel);
        return tables;
    }
}
