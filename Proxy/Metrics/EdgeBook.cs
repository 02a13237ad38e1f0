using System.Collections.Concurrent;

namespace Mesh.Proxy.Metrics;

/// <summary>Every edge that the proxy has seen. Bounded: strangers must not fill it with names.</summary>
internal sealed class EdgeBook
{
    /// <summary>Edges with a peer's name at the most; further ones are counted without it.</summary>
    public const int MaxEdges = 1_024;

    private readonly ConcurrentDictionary<EdgeKey, EdgeCounters> _edges = new();

    public EdgeCounters For(EdgeKey key)
    {
        if (_edges.TryGetValue(key, out var counters))
        {
            return counters;
        }

        return _edges.GetOrAdd(_edges.Count < MaxEdges ? key : key with { PeerId = "" }, _ => new EdgeCounters());
    }

    public IEnumerable<(EdgeKey Key, EdgeSnapshot Now)> Snapshot() => _edges.Select(edge => (edge.Key, edge.Value.Snapshot()));
}
