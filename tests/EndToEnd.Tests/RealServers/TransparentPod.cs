using Mesh.Cli.Network;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>A host whose traffic <c>Proxy init</c> leads through a transparent proxy, with an identity of the mesh.</summary>
internal sealed class TransparentPod : IAsyncDisposable
{
    private const string ProxyUid = "2102";
    private const int AdminPort = 4191;

    private readonly TestProcess _proxy;

    private TransparentPod(NetworkHost host, SpiffeId id, TestProcess proxy) => (Host, Id, _proxy) = (host, id, proxy);

    public NetworkHost Host { get; }

    public SpiffeId Id { get; }

    public string Output => _proxy.Output;

    public static async Task<TransparentPod> StartAsync(MeshUnderTest mesh, NetworkHost host, string workload)
    {
        await using (var init = host.Start("init", "dotnet", [Programs.Assembly("Proxy"), "init", "--proxy-uid", ProxyUid]))
        {
            Assert.True(await init.ExitedAsync(TimeSpan.FromSeconds(60)) == 0, init.Output);
        }

        var token = Path.Combine(mesh.Folder, $"{workload}.token");
        await File.WriteAllTextAsync(token, await mesh.TokenAsync(workload));
        // A user of its own, by whom the rules know it, who may yet reach the build and the folders of the tests, which are root's.
        var proxy = host.Start(
            $"{workload}-proxy", "setpriv",
            [
                "--reuid", ProxyUid, "--regid", ProxyUid, "--clear-groups", "--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search",
                "--", "dotnet", Programs.Assembly("Proxy"), $"--Proxy:TokenFile={token}", $"--Proxy:Data={Path.Combine(mesh.Folder, $"{workload}-proxy")}",
                $"--Proxy:Admin:Listen=0.0.0.0:{AdminPort}", "--Proxy:Transparent:Enabled=true", "--Proxy:Drain=00:00:02", "--Proxy:ReportInterval=00:00:00.200",
            ]);
        var pod = new TransparentPod(host, mesh.IdOf(workload), proxy);
        try
        {
            await Http.UntilReadyAsync($"{host.Address}:{AdminPort}");
            return pod;
        }
        catch
        {
            await pod.DisposeAsync();
            throw;
        }
    }

    /// <summary>The connections that its proxy has opened for its applications, one sample an edge.</summary>
    public Task<IReadOnlyList<Scrape.Sample>> OutboundAsync() => OpenedAsync("outbound", _ => true);

    /// <summary>The connections that it has taken for a port of its application.</summary>
    public Task<IReadOnlyList<Scrape.Sample>> InboundAsync(int port) => OpenedAsync("inbound", sample => sample.Labels["target_port"] == $"{port}");

    public ValueTask DisposeAsync() => _proxy.DisposeAsync();

    private async Task<IReadOnlyList<Scrape.Sample>> OpenedAsync(string direction, Func<Scrape.Sample, bool> isMeant)
    {
        // In plaintext the proxy gives its metrics to its own host alone.
        await using var curl = Host.Start("scrape", "curl", ["--silent", "--fail", $"http://127.0.0.1:{AdminPort}/metrics"]);
        Assert.True(await curl.ExitedAsync(TimeSpan.FromSeconds(30)) == 0, curl.Output);
        var scrape = new Scrape(curl.StandardOutput);
        return [.. scrape.Samples.Where(sample => sample.Name == "tcp_open_total" && sample.Labels["direction"] == direction && isMeant(sample))];
    }
}
