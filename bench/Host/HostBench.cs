using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Bench.Host;

/// <summary>
/// What a ProxyHost and the silo behind it carry: what each connected proxy weighs, how soon all proxies of a ProxyHost that is killed
/// are back at another, and calls a second.
/// </summary>
/// <remarks>
/// Each proxy is a workload of its own, <c>shop/proxy-N</c>, so no limit of one identity is met. All share one address, and enroll
/// and call faster than proxies do: see <see cref="BenchMesh.NoLimits"/>. Every other limit is as it comes.
/// <para>What a proxy weighs is what it adds while it is connected: proxies come twenty at a time for that. When a thousand come at once,
/// their handshakes take more for a moment, and the allocators do not give that back at once.</para>
/// </remarks>
internal static class HostBench
{
    private const int Weighty = 1_000;
    private const int WarmUp = 50;
    private const int Callers = 100;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CallsFor = TimeSpan.FromSeconds(3);

    /// <param name="proxies">How many are connected. The bound on what one weighs holds for 1,000 and more; of fewer it is not asked.</param>
    public static async Task<BenchReport> RunAsync(int proxies, CancellationToken cancellationToken)
    {
        // Where the weight has no bound, nobody waits for it.
        var settling = proxies >= Weighty ? Settling : Settling / 5;
        await using var mesh = await BenchMesh.StartAsync();
        var first = await mesh.AddProxyHostAsync(BenchMesh.NoLimits);
        await using (var warmUp = new Fleet(await Fleet.EnrollAsync(mesh, first.Url, "warmup", WarmUp)))
        {
            await warmUp.ConnectAsync(first.Url);
        }

        await Task.Delay(settling, TimeProvider.System, cancellationToken);
        var before = Weigh(mesh, first);
        var credentials = await Fleet.EnrollAsync(mesh, first.Url, "proxy", proxies);
        await using var fleet = new Fleet(credentials);
        await fleet.ConnectAsync(first.Url);
        await Task.Delay(settling, TimeProvider.System, cancellationToken);
        var after = Weigh(mesh, first);
        await fleet.DisconnectAsync();

        var second = await mesh.AddProxyHostAsync(BenchMesh.NoLimits);
        await fleet.ConnectAsync(first.Url, second.Url);
        var (moved, failures) = (fleet.CountAt(first.Url), fleet.Failures);
        var reconnected = await fleet.KillAsync(first, second.Url);
        failures = fleet.Failures - failures;
        await fleet.DisconnectAsync();

        // Once for a moment, so that the code is compiled; then for as long as counts.
        var callers = credentials.Take(Callers).ToList();
        await CallsPerSecondAsync(second.Url, callers, CallsFor / 2);
        var one = await CallsPerSecondAsync(second.Url, callers[..1], CallsFor);
        var many = await CallsPerSecondAsync(second.Url, callers, CallsFor);
        double PerProxy(double mb) => mb * 1024 / proxies;
        return new BenchReport(
            "host",
            new Figure("proxies", proxies),
            // A machine that is busy with other things is slower: bounds for breakage, not for speed.
            new Figure("calls_per_s_1", one, AtLeast: 50),
            new Figure($"calls_per_s_{callers.Count}", many, AtLeast: 300),
            new Figure("kb_per_proxy", PerProxy(after.SiloRss + after.HostRss - before.SiloRss - before.HostRss), AtMost: proxies >= Weighty ? 120 : null),
            new Figure("kb_per_proxy_proxyhost", PerProxy(after.HostRss - before.HostRss)),
            new Figure("kb_per_proxy_silo", PerProxy(after.SiloRss - before.SiloRss)),
            new Figure("anon_kb_per_proxy", PerProxy(after.SiloAnon + after.HostAnon - before.SiloAnon - before.HostAnon)),
            new Figure("reconnect_moved", moved),
            new Figure("reconnect_failures", failures),
            new Figure("reconnect_all_s", reconnected.TotalSeconds, AtMost: 30));
    }

    private static (double HostRss, double SiloRss, double HostAnon, double SiloAnon) Weigh(BenchMesh mesh, BenchProxyHost proxyHost)
    {
        var (host, silo) = (ProcessWeight.Of(proxyHost.Process.Id), ProcessWeight.Of(mesh.Silo.Id));
        return (host.RssMb, silo.RssMb, host.AnonMb, silo.AnonMb);
    }

    // Each proxy asks, takes the answer and asks again; connections are made before the time starts.
    private static async Task<double> CallsPerSecondAsync(Uri proxyHost, List<SvidCredential> credentials, TimeSpan duration)
    {
        var proxies = credentials.Select(credential => new BenchProxy(proxyHost, credential)).ToList();
        try
        {
            var request = new ResolveRequest { Service = "web.shop:80" };
            await Task.WhenAll(proxies.Select(proxy => proxy.Session.ResolveAsync(request).ResponseAsync));
            var started = TimeProvider.System.GetTimestamp();
            var answered = await Task.WhenAll(proxies.Select(async proxy =>
            {
                var calls = 0;
                for (; TimeProvider.System.GetElapsedTime(started) < duration; calls++)
                {
                    await proxy.Session.ResolveAsync(request);
                }

                return calls;
            }));
            return answered.Sum() / TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        }
        finally
        {
            proxies.ForEach(proxy => proxy.Dispose());
        }
    }
}
