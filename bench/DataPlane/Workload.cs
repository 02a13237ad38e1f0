using System.Net;
using Mesh.Bench.Load;

namespace Mesh.Bench.DataPlane;

/// <summary>One kind of load.</summary>
/// <param name="Name">As in the figures' names.</param>
/// <param name="Unit">What is counted, as in the figures' names: a rate.</param>
/// <param name="Counted">How many of what a load counts make one of <paramref name="Unit"/>.</param>
/// <param name="CpuUnit">Of the CPU time that one takes.</param>
/// <param name="CpuPart">That unit.</param>
internal sealed record Workload(
    string Name, string Unit, double Counted, string CpuUnit, TimeSpan CpuPart, Func<IPEndPoint, ILoad> Open)
{
    public const string Handshake = "handshake";
    public const string Pooled = "pooled";
    private const int ConnectionsAtOnce = 32;

    public static readonly IReadOnlyList<Workload> All =
    [
        Bulk("bulk1", 1), Bulk("bulk16", 16), Requests("c1", 1), Requests("c32", 32), Requests("c256", 256), Connections(Handshake), Connections(Pooled),
    ];

    /// <summary>Whether its latencies are worth a line.</summary>
    public bool HasLatency => Name is "c1" or "c32";

    private static Workload Bulk(string name, int connections) => new(
        name, "gb_per_s", 1e9, "cpu_s_per_gb", TimeSpan.FromSeconds(1), entrance => BulkLoad.Open(entrance, connections));

    private static Workload Requests(string name, int connections) => new(
        name, "per_s", 1, "cpu_us", TimeSpan.FromMicroseconds(1), entrance => RequestLoad.Open(entrance, connections));

    private static Workload Connections(string name) => new(
        name, "per_s", 1, "cpu_us", TimeSpan.FromMicroseconds(1), entrance => new ConnectionLoad(entrance, ConnectionsAtOnce));
}
