using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Spiffe;

namespace Mesh.Grains.Traffic;

/// <summary>Edges seen lately, summed over the instances of each workload. Bounded in number and age.</summary>
internal sealed class TrafficWindow
{
    /// <summary>Edges kept at the most; the one not seen for longest makes room.</summary>
    public const int MaxEdges = 4_096;

    /// <summary>How long an edge is kept after it was last seen.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromMinutes(10);

    private readonly Dictionary<EdgeKey, Seen> _edges = [];

    public void Add(SpiffeId reporter, string instanceId, EdgeReport edge, DateTimeOffset now)
    {
        var key = new EdgeKey(
            reporter, edge.Kind, edge.Direction, edge.PeerId, edge.Service, edge.Port, edge.Tls, edge.NoTlsReason, edge.Protocol,
            edge.Sni);
        if (!_edges.TryGetValue(key, out var seen))
        {
            MakeRoom(now);
            _edges[key] = seen = new Seen();
        }

        seen.Add(instanceId, edge, now);
    }

    public ImmutableArray<ObservedEdge> Edges(DateTimeOffset now)
    {
        Expire(now);
        return [.. _edges.Select(edge => edge.Value.Observed(edge.Key))];
    }

    private void MakeRoom(DateTimeOffset now)
    {
        if (_edges.Count < MaxEdges)
        {
            return;
        }

        Expire(now);
        if (_edges.Count >= MaxEdges)
        {
            _edges.Remove(_edges.MinBy(edge => edge.Value.LastSeen).Key);
        }
    }

    private void Expire(DateTimeOffset now)
    {
        foreach (var old in _edges.Where(edge => now - edge.Value.LastSeen > Age).Select(edge => edge.Key).ToList())
        {
            _edges.Remove(old);
        }
    }

    private sealed record EdgeKey(
        SpiffeId Reporter, EdgeKind Kind, EdgeDirection Direction, SpiffeId? PeerId, string Service, int Port, string Tls,
        string NoTlsReason, string Protocol, string? Sni);

    private sealed class Seen
    {
        private readonly Dictionary<string, (long Open, DateTimeOffset At)> _openByInstance = [];
        private long _opened;
        private long _sent;
        private long _received;
        private long _refused;

        public DateTimeOffset LastSeen { get; private set; }

        public void Add(string instanceId, EdgeReport edge, DateTimeOffset now)
        {
            LastSeen = now;
            _opened += edge.Opened;
            _sent += edge.BytesSent;
            _received += edge.BytesReceived;
            _refused += edge.Refused;
            // An instance that has gone no longer says that its connections are closed.
            foreach (var gone in _openByInstance.Where(open => now - open.Value.At > Age).Select(open => open.Key).ToList())
            {
                _openByInstance.Remove(gone);
            }

            _openByInstance[instanceId] = (edge.Open, now);
        }

        public ObservedEdge Observed(EdgeKey key) => new(
            key.Reporter,
            new EdgeReport(
                key.Kind, key.Direction, key.PeerId, key.Service, key.Port, key.Tls, key.NoTlsReason, key.Protocol,
                _opened, _openByInstance.Values.Sum(open => open.Open), _sent, _received, _refused, key.Sni),
            LastSeen);
    }
}
