using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Issuance;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Mesh.Tests.PostgreSql;
using static Mesh.Silo.Tests.Support.TestRecords;

namespace Mesh.Silo.Tests.Storage;

/// <summary>What a caller hears while PostgreSQL is gone, and that nobody needs to restart a silo for it.</summary>
public class PostgreSqlFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_the_server_is_gone_callers_hear_that_the_store_does_not_answer_and_after_it_all_goes_on()
    {
        PostgreSqlServer.SkipIfMissing();
        await using var server = await PostgreSqlServer.StartAsync();
        await using var store = await TestStore.OpenAsync(
            Directory.CreateTempSubdirectory("mesh-store-").FullName, await server.CreateDatabaseAsync());
        var issuance = new IssuanceStore(store.Database);
        await issuance.AppendAsync([Record(1, "a")], Cancel);

        await server.StopServerAsync();

        foreach (var call in new Func<Task>[]
        {
            () => issuance.AppendAsync([Record(2, "b")], Cancel),
            () => issuance.FindLatestAsync("a", Cancel),
            () => store.KeyStore().CreateAsync(Grains.Keys.KeyUse.Token, Cancel),
            () => store.OpenAnotherAsync(),
        })
        {
            var refusal = await Assert.ThrowsAsync<MeshException>(call);
            Assert.Equal(MeshError.NotReady, refusal.Error);
            Assert.StartsWith("The store does not answer", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(PostgreSqlServer.Password, refusal.ToString(), StringComparison.Ordinal);
        }

        await server.StartServerAsync();

        Assert.Equal([AppendOutcome.Appended], await issuance.AppendAsync([Record(2, "b")], Cancel));
        Assert.NotNull(await issuance.FindLatestAsync("a", Cancel));
    }

    [Fact]
    public async Task A_statement_that_takes_too_long_is_given_up()
    {
        PostgreSqlServer.SkipIfMissing();
        await using var server = await PostgreSqlServer.StartAsync();
        await using var store = await TestStore.OpenAsync(
            Directory.CreateTempSubdirectory("mesh-store-").FullName, await server.CreateDatabaseAsync());
        var started = TimeProvider.System.GetTimestamp();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => store.Database.WriteAsync(
            session => session.ScalarAsync("SELECT pg_sleep(60)::text;"), Cancel));

        Assert.Equal(MeshError.NotReady, refusal.Error);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task A_wrong_password_is_refused_without_being_told()
    {
        PostgreSqlServer.SkipIfMissing();
        await using var server = await PostgreSqlServer.StartAsync();
        var connection = (await server.CreateDatabaseAsync()).Replace(PostgreSqlServer.Password, "wrong-one", StringComparison.Ordinal);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => TestStore.OpenAsync(
            Directory.CreateTempSubdirectory("mesh-store-").FullName, connection));

        Assert.Contains("refuses the silo's login", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-one", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_of_our_own_is_not_blamed_on_the_store()
    {
        PostgreSqlServer.SkipIfMissing();
        await using var server = await PostgreSqlServer.StartAsync();
        await using var store = await TestStore.OpenAsync(
            Directory.CreateTempSubdirectory("mesh-store-").FullName, await server.CreateDatabaseAsync());

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => store.Database.ReadAsync(session => session.ScalarAsync("SELECT nonsense;"), Cancel));
    }
}
