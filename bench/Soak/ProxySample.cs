using System.Globalization;
using Mesh.Bench.Support;

namespace Mesh.Bench.Soak;

/// <summary>What one proxy holds at a moment.</summary>
/// <param name="NativeMb">What native code has allocated, MiB; null where the C library can't say.</param>
/// <param name="Open">Connections of applications.</param>
internal sealed record ProxySample(double RssMb, double AnonMb, int Descriptors, double? NativeMb, long Open)
{
    private const string Native = "mesh_proxy_native_allocated_bytes";
    private const string OpenConnections = "tcp_open_connections{";
    private const double Megabyte = 1024 * 1024;

    /// <param name="admin">IP:PORT of its metrics.</param>
    public static async Task<ProxySample> TakeAsync(HttpClient http, int processId, string admin)
    {
        var lines = (await http.GetStringAsync(new Uri($"http://{admin}/metrics"))).Split('\n');
        var weight = ProcessWeight.Of(processId);
        var native = lines.FirstOrDefault(line => line.StartsWith(Native, StringComparison.Ordinal));
        return new ProxySample(
            weight.RssMb,
            weight.AnonMb,
            Directory.EnumerateFileSystemEntries($"/proc/{processId}/fd").Count(),
            native is null ? null : Value(native) / Megabyte,
            (long)lines.Where(line => line.StartsWith(OpenConnections, StringComparison.Ordinal) && line.Contains("kind=\"application\"", StringComparison.Ordinal)).Sum(Value));
    }

    private static double Value(string line) => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
}
