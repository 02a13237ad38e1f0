using Mesh.Silo.Tests.Support;
using Mesh.Tests.PostgreSql;

namespace Mesh.Silo.Tests.Cluster;

/// <summary>Silos as processes of their own, on one PostgreSQL database.</summary>
public class SiloClusterTests(PostgreSqlFixture postgreSql, ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_that_start_at_once_share_an_anchor_and_one_answers_within_ten_seconds_after_the_other_was_killed()
    {
        using var folders = await SiloFolders.CreateAsync(postgreSql);
        var data = folders.Create("silo-0");
        await using var zero = SiloProcess.Start(data, "silo-0", folders.ConnectionFile);
        await using var one = SiloProcess.Start(folders.CreateWithKeysOf("silo-1", data), "silo-1", folders.ConnectionFile);

        var trust = await Task.WhenAll(zero.GetTrustDomainAsync(Cancel), one.GetTrustDomainAsync(Cancel));

        Assert.Equal(Anchor(trust[0]), Anchor(trust[1]));
        Assert.NotNull(await zero.TryCreateTokenAsync(Cancel));
        while (Mesh.Spiffe.JoinToken.ParseUnverified((await one.TryCreateTokenAsync(Cancel))!).Addresses.Count < 2)
        {
            // Each silo learns the other's addresses soon after it joined.
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Cancel);
        }

        zero.Kill();
        var killed = TimeProvider.System.GetTimestamp();
        while (await one.TryCreateTokenAsync(Cancel) is null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancel);
        }

        var elapsed = TimeProvider.System.GetElapsedTime(killed);
        output.WriteLine($"Trust commands work again {elapsed.TotalSeconds:F1} s after SIGKILL of the other silo.");
        Assert.InRange(elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(PostgreSqlServer.Password, zero.Output + one.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silo_with_other_key_files_says_so_and_exits_with_2()
    {
        using var folders = await SiloFolders.CreateAsync(postgreSql);
        await using var zero = SiloProcess.Start(folders.Create("silo-0"), "silo-0", folders.ConnectionFile);
        await zero.GetTrustDomainAsync(Cancel);

        await using var one = SiloProcess.Start(folders.Create("silo-1"), "silo-1", folders.ConnectionFile);

        Assert.Equal(2, await one.WaitForExitAsync(Cancel));
        Assert.Contains("does not open the keys in the store", one.Output, StringComparison.Ordinal);
        Assert.Contains("copy anchor-encryption.key", one.Output, StringComparison.Ordinal);
    }

    private static string Anchor(System.Text.Json.JsonElement trust) => trust.GetProperty("anchors")[0].GetProperty("keyHash").GetString()!;
}
