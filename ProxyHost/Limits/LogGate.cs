namespace Mesh.ProxyHost.Limits;

/// <summary>Lets one line a minute through for each peer, so that an attack fills no disk. It remembers so many peers, and no more.</summary>
internal sealed class LogGate(TimeProvider clock)
{
    private const int MaxPeers = 1_000;
    private const string EverybodyElse = "";
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Entry> _peers = [];
    private readonly Lock _gate = new();

    /// <summary>Whether a line about the peer may be written now.</summary>
    /// <param name="suppressed">How many were not written since the last one that was.</param>
    public bool Opens(string peer, out long suppressed)
    {
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            if (!_peers.TryGetValue(peer, out var entry))
            {
                if (_peers.Count >= MaxPeers)
                {
                    Forget(now);
                }

                // Where there is no room for one more, those that found none share a line.
                peer = _peers.Count < MaxPeers ? peer : EverybodyElse;
                if (!_peers.TryGetValue(peer, out entry))
                {
                    _peers[peer] = new Entry { Written = now };
                    suppressed = 0;
                    return true;
                }
            }

            if (clock.GetElapsedTime(entry.Written, now) < Period)
            {
                entry.Suppressed++;
                suppressed = 0;
                return false;
            }

            suppressed = entry.Suppressed;
            (entry.Written, entry.Suppressed) = (now, 0);
            return true;
        }
    }

    private void Forget(long now)
    {
        foreach (var (peer, entry) in _peers)
        {
            if (clock.GetElapsedTime(entry.Written, now) >= Period)
            {
                _peers.Remove(peer);
            }
        }
    }

    private sealed class Entry
    {
        public long Written { get; set; }

        public long Suppressed { get; set; }
    }
}
