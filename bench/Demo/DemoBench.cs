using System.Globalization;
using System.Text.Json;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Demo;

/// <summary>Starts the demo as a user does and weighs its processes while it carries traffic.</summary>
internal static class DemoBench
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    public static async Task<BenchReport> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = new TempFolder();
        var started = TimeProvider.System.GetTimestamp();
        await using var demo = TestProcess.StartDotnet("demo", Programs.Assembly("Cli", "mesh"),
        [
            "demo", "--no-build", "--configuration", Programs.Configuration == "debug" ? "Debug" : "Release", "--data", folder.File("data"),
            "--base-port", FreePorts.NextRange(30).ToString(CultureInfo.InvariantCulture),
        ]);
        await Eventually.TrueAsync(
            () => demo.HasExited ? throw new InvalidOperationException($"The demo has ended: {demo.Output}") : ShowsMutualTlsAsync(folder),
            "an edge of the application is mTLS");
        var firstEdge = TimeProvider.System.GetElapsedTime(started);
        // What start-up allocated is gone by then, and each process has done its regular work a few times.
        await Task.Delay(Settling, TimeProvider.System, cancellationToken);
        var processes = ProcessWeight.Under(folder.Path);
        await demo.StopAsync();
        return new BenchReport(
            "demo",
            // A machine that is busy with other things takes longer: a bound for breakage, not for speed.
            new Figure("first_edge_s", firstEdge.TotalSeconds, AtMost: 30),
            new Figure("silo_rss_mb", processes.Single(process => process.Program == "Silo.dll").RssMb, AtMost: 300),
            new Figure("proxyhost_rss_mb", processes.Single(process => process.Program == "ProxyHost.dll").RssMb, AtMost: 200),
            new Figure("proxy_rss_mb", Median(processes, process => process.RssMb), AtMost: 120),
            new Figure("proxy_anon_mb", Median(processes, process => process.AnonMb), AtMost: 60));
    }

    private static async Task<bool> ShowsMutualTlsAsync(TempFolder folder)
    {
        if (!File.Exists(Path.Combine(folder.File("data"), "silo", "admin.sock")))
        {
            return false;
        }

        await using var mesh = TestProcess.StartDotnet("mesh", Programs.Assembly("Cli", "mesh"), ["edges", "--data", Path.Combine(folder.File("data"), "silo"), "--output", "json"]);
        if (await mesh.ExitedAsync(TimeSpan.FromSeconds(20)) != 0)
        {
            return false;
        }

        using var edges = JsonDocument.Parse(mesh.StandardOutput);
        return edges.RootElement.EnumerateArray().Any(edge =>
            edge.GetProperty("kind").GetString() == "application" && edge.GetProperty("tls").GetString() == "true");
    }

    private static double Median(IEnumerable<ProcessWeight> processes, Func<ProcessWeight, double> figure)
    {
        var sorted = processes.Where(process => process.Program == "Proxy.dll").Select(figure).Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
