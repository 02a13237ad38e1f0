using System.Net;
using Mesh.Silo.Tests.Support;
using Mesh.Tests.PostgreSql;

namespace Mesh.Silo.Tests.Cluster;

/// <summary>A silo in a process of its own whose database goes away under it.</summary>
public class StoreOutageTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_the_store_is_gone_changes_are_refused_by_name_and_reads_go_on_and_after_it_changes_work_again()
    {
        PostgreSqlServer.SkipIfMissing();
        await using var server = await PostgreSqlServer.StartAsync();
        using var folders = new SiloFolders(await server.CreateDatabaseAsync());
        await using var silo = SiloProcess.Start(folders.Create("silo-0"), "silo-0", folders.ConnectionFile);
        await silo.GetTrustDomainAsync(Cancel);
        Assert.Equal(HttpStatusCode.OK, (await silo.SetServiceAsync("web.shop:80", "127.0.0.1:80", Cancel)).Status);

        await server.StopServerAsync();

        foreach (var service in new[] { "web.shop:80", "never-seen.shop:80" })
        {
            var (status, text) = await silo.SetServiceAsync(service, "127.0.0.1:81", Cancel);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            Assert.Contains("The store does not answer", text, StringComparison.Ordinal);
        }

        await silo.GetTrustDomainAsync(Cancel);
        await server.StartServerAsync();
        var started = TimeProvider.System.GetTimestamp();

        while ((await silo.SetServiceAsync("never-seen.shop:80", "127.0.0.1:81", Cancel)).Status != HttpStatusCode.OK)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancel);
        }

        output.WriteLine($"Changes work again {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F1} s after the server started.");
    }
}
