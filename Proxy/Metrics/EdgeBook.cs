using System.Collections.Concurrent;

namespace Mesh.Proxy.Metrics;

/// <summary>Every edge that the proxy has seen. Bounded: neither strangers' names nor whoever tries one port after the other must fill it.</summary>
/// <remarks>Each kind of edge has a bound of its own, so that what anybody can make many of takes no place from what the mesh knows.</remarks>
internal sealed class EdgeBook
{
    /// <summary>Edges of peers and services at the most; further ones are counted without the peer's name.</summary>
    public const int MaxEdges = 1_024;

    /// <summary>Edges with a name that TLS which is not ours asks for at the most. Fewer: whoever comes may ask for any name.</summary>
    public const int MaxServerNames = 128;

    /// <summary>Edges of neither a peer nor a service at the most, which differ in their port; further ones count as port 0.</summary>
    public const int MaxPorts = 128;

    /// <summary>Edges at the most that were made by a connection which was refused; further ones are counted without name and port.</summary>
    public const int MaxRefused = 256;

    private readonly ConcurrentDictionary<EdgeKey, EdgeCounters> _edges = new();
    private readonly Lock _gate = new();
    private int _known;
    private int _serverNames;
    private int _ports;
    private int _refused;

    /// <summary>What counts a connection that is carried.</summary>
    public EdgeCounters For(EdgeKey key)
    {
        if (_edges.TryGetValue(key, out var counters))
        {
            return counters;
        }

        lock (_gate)
        {
            return Add(Bounded(key));
        }
    }

    /// <summary>Counts a connection that is refused.</summary>
    public void Refused(EdgeKey key)
    {
        if (!_edges.TryGetValue(key, out var counters))
        {
            lock (_gate)
            {
                counters = Add(_edges.ContainsKey(key) || TryTake(ref _refused, MaxRefused) ? key : WithoutName(key));
            }
        }

        counters.Refused();
    }

    public IEnumerable<(EdgeKey Key, EdgeSnapshot Now)> Snapshot() => _edges.Select(edge => (edge.Key, edge.Value.Snapshot()));

    private static bool IsKnown(EdgeKey key) => key.PeerId.Length > 0 || key.Service.Length > 0;

    // Services are the mesh's, and as few as it has.
    private static EdgeKey WithoutName(EdgeKey key) => key with { PeerId = "", ServerName = "", Port = key.Service.Length > 0 ? key.Port : 0 };

    private static bool TryTake(ref int taken, int most)
    {
        if (taken >= most)
        {
            return false;
        }

        taken++;
        return true;
    }

    private EdgeCounters Add(EdgeKey key) => _edges.GetOrAdd(key, _ => new EdgeCounters());

    // The key that a new edge is kept under; it counts against the bound of its kind.
    private EdgeKey Bounded(EdgeKey key)
    {
        if (_edges.ContainsKey(key))
        {
            return key;
        }

        if (key.ServerName.Length > 0)
        {
            return _known < MaxEdges && TryTake(ref _serverNames, MaxServerNames) ? key : Bounded(key with { ServerName = "" });
        }

        return (IsKnown(key) ? TryTake(ref _known, MaxEdges) : TryTake(ref _ports, MaxPorts)) ? key : WithoutName(key);
    }
}
