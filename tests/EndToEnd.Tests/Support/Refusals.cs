using System.Globalization;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>What a ProxyHost says that it refused.</summary>
internal static class Refusals
{
    public static async Task<double> CountAsync(MeshUnderTest mesh, string reason) =>
        Sum(await Http.GetAsync($"http://{mesh.ProxyHostAdmin}/metrics"), "mesh_proxyhost_refusals_total", $"reason=\"{reason}\"");

    /// <summary>Waits until so many more were counted than before.</summary>
    public static Task GrewAsync(MeshUnderTest mesh, string reason, double before, int by = 1) =>
        Eventually.UntilAsync(() => CountAsync(mesh, reason), now => now >= before + by, $"{by} refusals of {reason} are counted");

    /// <summary>The sum of a metric's samples that bear a label.</summary>
    public static double Sum(string page, string metric, string label = "") => page.Split('\n')
        .Where(line => line.StartsWith(metric, StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
        .Sum(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
}
