using System.Net;
using Mesh.Bench.Load;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.DataPlane;

/// <summary>
/// The proxy beside HAProxy, nginx and no proxy: load → outbound → mutual TLS → inbound → backend, on loopback, with keys of the same
/// kinds and the system's OpenSSL. CPU time is that of both proxies, user and kernel.
/// </summary>
internal static class ProxyBench
{
    public const string Memory = "memory";
    public const string Ready = "ready";

    // CPU time and rates beside HAProxy's.
    private static readonly (string Name, string Workload, string ToWorkload, Func<Run, double> Figure, double? AtMost, double? AtLeast)[] Comparisons =
    [
        ("bulk1_cpu_vs_haproxy", "bulk1", "bulk1", run => run.Cpu, 0.85, null),
        ("bulk16_cpu_vs_haproxy", "bulk16", "bulk16", run => run.Cpu, 0.85, null),
        ("c32_cpu_vs_haproxy", "c32", "c32", run => run.Cpu, 0.90, null),
        ("handshake_rate_vs_haproxy", Workload.Handshake, Workload.Handshake, run => run.Rate, null, 1.2),
        ("handshake_cpu_vs_haproxy", Workload.Handshake, Workload.Handshake, run => run.Cpu, null, null),
        ("pooled_rate_vs_haproxy", Workload.Pooled, Workload.Handshake, run => run.Rate, null, 5),
    ];

    /// <exception cref="LoadException">Bytes or connections were lost, and there is nothing to report.</exception>
    public static async Task<BenchReport> RunAsync(ProxyBenchSettings settings, CancellationToken cancellationToken)
    {
        using var folder = new TempFolder();
        var address = IPEndPoint.Parse(FreePorts.NextAddress());
        await using var backend = TestProcess.StartDotnet("backend", Programs.Assembly("Bench"), ["backend", address.ToString()]);
        await backend.SaysAsync("ready");
        await using var mesh = settings.Measures(PeerSet.Mesh) ? await BenchMesh.StartAsync() : null;
        await (mesh?.AddProxyHostAsync() ?? Task.CompletedTask);
        await using var peers = await PeerSet.StartAsync(settings, mesh, address, folder.Path);

        // Before anything is carried.
        var others = new List<Figure>();
        if (mesh is not null && settings.Wants(Ready))
        {
            var ready = await Startup.OfAsync(mesh, settings.Program, cancellationToken);
            others.Add(new Figure("ready_s", ready.Median, AtMost: settings.OfNative(0.5)));
        }

        if (settings.Wants(Memory))
        {
            others.AddRange(await WeighAsync(peers, settings, cancellationToken));
        }

        await peers.SaySuitesAsync(settings.Suite, cancellationToken);
        var workloads = Workload.All.Where(workload => settings.Wants(workload.Name)).ToList();
        var rounds = new Rounds(workloads.SelectMany(workload => peers.Meeting(workload).Select(peer => (workload, peer))));
        await rounds.RunAsync(settings.Rounds, settings.Duration, cancellationToken);
        PeerTable.Print(rounds, workloads, peers.Names);
        return new BenchReport("proxy", [.. Ratios(rounds, peers.HasPooling), .. others]) { Details = [.. PeerTable.Flat(rounds, workloads, peers.Names)] };
    }

    private static IEnumerable<Figure> Ratios(Rounds rounds, bool hasPooling) =>
        from comparison in Comparisons
        let peer = hasPooling && comparison.Workload == Workload.Handshake ? PeerSet.Unpooled : PeerSet.Mesh
        where rounds.Has(comparison.Workload, peer) && rounds.Has(comparison.ToWorkload, PeerSet.Haproxy)
        let spread = rounds.Ratio((comparison.Workload, peer), (comparison.ToWorkload, PeerSet.Haproxy), comparison.Figure)
        from figure in new[]
        {
            new Figure(comparison.Name, spread.Median, comparison.AtMost, comparison.AtLeast), new Figure($"{comparison.Name}_width", spread.Width),
        }
        select figure;

    private static async Task<IReadOnlyList<Figure>> WeighAsync(PeerSet peers, ProxyBenchSettings settings, CancellationToken cancellationToken)
    {
        var figures = new List<Figure>();
        foreach (var peer in peers.All.Where(peer => peer.Proxies.Count > 0 && peer.Name != PeerSet.Unpooled))
        {
            var weights = await Weights.OfAsync(peer, cancellationToken);
            var (prefix, isOurs) = peer.Name == PeerSet.Mesh ? ("", true) : ($"{peer.Name}_", false);
            double? Bound(double most) => isOurs ? settings.OfNative(most) : null;
            figures.Add(new Figure($"{prefix}rss_idle_mb", weights.IdleRss, AtMost: Bound(35)));
            figures.Add(new Figure($"{prefix}anon_idle_mb", weights.IdleAnon, AtMost: Bound(15)));
            figures.Add(new Figure($"{prefix}rss_1000_added_mb", weights.Added, AtMost: Bound(30)));
            if (isOurs && settings.Program.Binary is { } binary)
            {
                figures.Add(new Figure("native_binary_mb", Megabytes(binary), AtMost: 30));
            }
        }

        return figures;
    }

    // With the libraries beside it that it cannot do without.
    private static double Megabytes(string binary) =>
        Directory.EnumerateFiles(Path.GetDirectoryName(binary)!, "*.so").Append(binary).Sum(file => new FileInfo(file).Length) / (1024.0 * 1024);
}
