using System.Collections.Concurrent;

namespace Mesh.Proxy.Metrics;

/// <summary>Every edge that the proxy has seen. Bounded: strangers must not fill it with names.</summary>
internal sealed class EdgeBook
{
    /// <summary>Edges with a peer's name at the most; further ones are counted without it.</summary>
    public const int MaxEdges = 1_024;

    /// <summary>Edges with a name that TLS which is not ours asks for at the most. Fewer: whoever comes may ask for any name.</summary>
    public const int MaxServerNames = 128;

    private readonly ConcurrentDictionary<EdgeKey, EdgeCounters> _edges = new();
    private int _serverNames;

    public EdgeCounters For(EdgeKey key)
    {
        if (_edges.TryGetValue(key, out var counters))
        {
            return counters;
        }

        return _edges.GetOrAdd(Bounded(key), made =>
        {
            if (made.ServerName.Length > 0)
            {
                Interlocked.Increment(ref _serverNames);
            }

            return new EdgeCounters();
        });
    }

    public IEnumerable<(EdgeKey Key, EdgeSnapshot Now)> Snapshot() => _edges.Select(edge => (edge.Key, edge.Value.Snapshot()));

    private EdgeKey Bounded(EdgeKey key) =>
        _edges.Count >= MaxEdges ? key with { PeerId = "", ServerName = "" }
        : Volatile.Read(ref _serverNames) >= MaxServerNames ? key with { ServerName = "" }
        : key;
}
