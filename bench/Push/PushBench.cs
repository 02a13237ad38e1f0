using Mesh.Admin.V1;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Bench.Support.Instances;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Push;

/// <summary>
/// How soon a change of the trust bundle reaches every proxy: from the start of the operator's command to the moment at which the proxy
/// holds the bundle, over all proxies and changes.
/// </summary>
/// <remarks>Each proxy has a certificate, a connection with mutual TLS and a watch stream of its own.</remarks>
internal static class PushBench
{
    private const int Changes = 10;
    private const int ProxiesPerHost = 5_000;
    private const int Callers = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <param name="proxies">How many watch; more than 5,000 do so at several ProxyHosts.</param>
    public static async Task<BenchReport> RunAsync(int proxies, CancellationToken cancellationToken)
    {
        await using var mesh = await BenchMesh.StartAsync();
        for (var i = 0; i < proxies; i += ProxiesPerHost)
        {
            await mesh.AddProxyHostAsync([.. BenchMesh.NoLimits]);
        }

        var hosts = mesh.ProxyHosts;
        int[] servers = [mesh.Silo.Id, .. hosts.Select(host => host.Process.Id)];
        await using var population = await Population.EnrollAsync(mesh, hosts[0].Url, proxies, Callers, servers);
        var watchers = new Watcher[proxies];
        try
        {
            await Parallel.ForAsync(0, proxies, cancellationToken, async (i, _) =>
                watchers[i] = await Watcher.StartAsync(hosts[i % hosts.Count].Url, population.Instances[i].Held));
            // Bundle and policy may come together or one after the other.
            await Eventually.TrueAsync(() => watchers.All(watcher => watcher.Count > 0), "all watch");
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            // Once without being counted: the first compiles the code.
            await ChangeAsync(mesh, watchers, -1);
            var latencies = new List<double>();
            var before = servers.Select(ProcessTime.Of).ToList();
            for (var i = 0; i < Changes; i++)
            {
                latencies.AddRange(await ChangeAsync(mesh, watchers, i));
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }

            latencies.Sort();
            return new BenchReport(
                "push",
                new Figure("proxies", proxies),
                new Figure("proxyhosts", hosts.Count),
                new Figure("changes", Changes),
                new Figure("first_ms", latencies[0]),
                new Figure("p50_ms", latencies[latencies.Count / 2]),
                new Figure("p99_ms", latencies[latencies.Count * 99 / 100], AtMost: 1000),
                new Figure("max_ms", latencies[^1]),
                // Judging the open sessions anew is in it.
                new Figure("silo_cpu_ms_per_change", (ProcessTime.Of(servers[0]) - before[0]).TotalMilliseconds / Changes),
                new Figure("proxyhost_cpu_ms_per_change", servers.Skip(1).Select((server, i) => (ProcessTime.Of(server) - before[i + 1]).TotalMilliseconds).Sum() / Changes),
                new Figure("kb_per_proxy_proxyhost", hosts.Sum(host => ProcessWeight.Of(host.Process.Id).RssMb) * 1024 / proxies));
        }
        finally
        {
            await Task.WhenAll(watchers.OfType<Watcher>().Select(watcher => watcher.DisposeAsync().AsTask()));
        }
    }

    // Somebody who has no proxy here is banned. Milliseconds of each proxy.
    private static async Task<List<double>> ChangeAsync(BenchMesh mesh, Watcher[] watchers, int number)
    {
        var counts = Array.ConvertAll(watchers, watcher => watcher.Count);
        var started = TimeProvider.System.GetTimestamp();
        await mesh.Admin.BanWorkloadAsync(new BanWorkloadRequest { Namespace = "elsewhere", ServiceAccount = $"nobody{number + 1}", Reason = "bench" });
        var banned = SpiffeId.Parse($"spiffe://mesh.example/ns/elsewhere/sa/nobody{number + 1}");
        await Eventually.TrueAsync(
            () => watchers.Index().All(one => one.Item.Fault is { } fault ? throw fault : one.Item.Count > counts[one.Index]),
            "every proxy was told something");
        // The same bytes for all: they are read once.
        byte[] read = [];
        var latencies = new List<double>(watchers.Length);
        foreach (var (i, watcher) in watchers.Index())
        {
            var arrival = watcher.Arrivals()[counts[i]];
            if (!arrival.Message.Span.SequenceEqual(read))
            {
                read = arrival.Message.ToArray();
                var jws = WatchResponse.Parser.ParseFrom(read).SignedBundle;
                if (jws.Length == 0 || SignedBundle.Parse(jws).Bundle.Bans.All(ban => ban.Id != banned))
                {
                    throw new InvalidOperationException($"A proxy was told something else than the ban of {banned}.");
                }
            }

            latencies.Add(TimeProvider.System.GetElapsedTime(started, arrival.At).TotalMilliseconds);
        }

        return latencies;
    }
}
