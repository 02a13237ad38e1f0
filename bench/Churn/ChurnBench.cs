using Mesh.Admin.V1;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Bench.Support.Instances;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Churn;

/// <summary>
/// Replicas of one account come and go, one a second: each has a key and a serial number of its own, and when its certificate has ended
/// nobody knows of it any more.
/// </summary>
/// <remarks>A replica enrolls, watches over mutual TLS for five seconds and is gone without a word. Leaves live ten seconds.</remarks>
internal static class ChurnBench
{
    private const string Account = "replica";
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Stay = TimeSpan.FromSeconds(5);

    /// <param name="replicas">How many come, 20 at the least.</param>
    public static async Task<BenchReport> RunAsync(int replicas, CancellationToken cancellationToken)
    {
        await using var mesh = await BenchMesh.StartAsync("--Leaf:Lifetime=00:00:10");
        var proxyHost = await mesh.AddProxyHostAsync();
        var started = TimeProvider.System.GetTimestamp();
        var lives = new List<Task<X509Svid>>();
        var (most, warm) = (0, (Silo: 0.0, ProxyHost: 0.0));
        for (var i = 0; i < replicas; i++)
        {
            if (i == replicas / 2)
            {
                // What the code itself takes is there by then.
                warm = Weight(mesh, proxyHost);
            }

            lives.Add(LiveAsync(mesh, proxyHost.Url, cancellationToken));
            most = Math.Max(most, await KnownAsync(mesh));
            var due = Every * (i + 1) - TimeProvider.System.GetElapsedTime(started);
            await Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero, TimeProvider.System, cancellationToken);
        }

        var svids = await Task.WhenAll(lives);
        var took = TimeProvider.System.GetElapsedTime(started);
        await Eventually.UntilAsync(() => KnownAsync(mesh), known => known == 0, "the ledger has forgotten every replica");
        await Eventually.UntilAsync(() => WatchesAsync(proxyHost), watches => watches == 0, "the ProxyHost has no watch stream any more");
        var (silo, host) = Weight(mesh, proxyHost);
        return new BenchReport(
            "churn",
            new Figure("replicas", replicas),
            new Figure("seconds", took.TotalSeconds),
            new Figure("distinct_serials", svids.Select(svid => svid.SerialNumber).Distinct().Count(), AtLeast: replicas),
            new Figure("distinct_keys", svids.Select(svid => svid.KeyHash).Distinct().Count(), AtLeast: replicas),
            new Figure("distinct_instances", svids.Select(svid => svid.InstanceId).Distinct().Count(), AtLeast: replicas),
            // As many as a leaf has seconds, and some for a machine that is slow.
            new Figure("ledger_most", most, AtMost: 15, AtLeast: 5),
            new Figure("ledger_left", await KnownAsync(mesh), AtMost: 0),
            new Figure("watches_left", await WatchesAsync(proxyHost), AtMost: 0),
            new Figure("silo_growth_mb", silo - warm.Silo, AtMost: 40),
            new Figure("proxyhost_growth_mb", host - warm.ProxyHost, AtMost: 40));
    }

    private static async Task<X509Svid> LiveAsync(BenchMesh mesh, Uri proxyHost, CancellationToken cancellationToken)
    {
        var credential = await BenchProxy.EnrollAsync(proxyHost, await mesh.TokenAsync(Account));
        using (credential)
        await using (var watcher = await Watcher.StartAsync(proxyHost, credential))
        {
            await Eventually.TrueAsync(() => watcher.Count > 0 || watcher.Fault is not null, "the replica watches");
            await Task.Delay(Stay, TimeProvider.System, cancellationToken);
            return watcher.Fault is { } fault ? throw fault : credential.Svid;
        }
    }

    private static async Task<int> KnownAsync(BenchMesh mesh) =>
        (await mesh.Admin.GetLedgerAsync(new GetLedgerRequest())).Entries.Count(entry => entry.SpiffeId.EndsWith($"/sa/{Account}", StringComparison.Ordinal));

    private static async Task<double> WatchesAsync(BenchProxyHost proxyHost)
    {
        const string Series = "mesh_proxyhost_watch_streams";
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri($"http://{proxyHost.Admin}/metrics"));
        // With labels or without: the value is what comes last.
        var line = metrics.Split('\n').Single(line => line.StartsWith(Series, StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static (double Silo, double ProxyHost) Weight(BenchMesh mesh, BenchProxyHost proxyHost) =>
        (ProcessWeight.Of(mesh.Silo.Id).RssMb, ProcessWeight.Of(proxyHost.Process.Id).RssMb);
}
