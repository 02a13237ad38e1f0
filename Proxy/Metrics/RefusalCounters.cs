using System.Collections.Concurrent;

namespace Mesh.Proxy.Metrics;

/// <summary>Connections refused, by direction and reason. The reasons are this program's own words, so their number is bounded.</summary>
internal sealed class RefusalCounters
{
    private readonly ConcurrentDictionary<(string Direction, string Reason), long> _counts = new();

    public void Add(string direction, string reason) => _counts.AddOrUpdate((direction, reason), 1, (_, count) => count + 1);

    public IEnumerable<(string Direction, string Reason, long Count)> Snapshot() =>
        _counts.Select(count => (count.Key.Direction, count.Key.Reason, count.Value));
}
