using System.Net;

namespace Mesh.Proxy.Discovery;

/// <summary>A service that this proxy knows: one that it was configured for, or one that the application has asked for by address.</summary>
/// <param name="name">NAME.NAMESPACE:PORT.</param>
/// <param name="isConfigured">It is never forgotten.</param>
/// <param name="none">No endpoints.</param>
internal sealed class KnownService(string name, bool isConfigured, EndpointSet none)
{
    private volatile Content _content = new(0, none, []);
    private volatile bool _isWatched = true;
    private long _lastUsed;

    public string Name => name;

    /// <summary>Of the name.</summary>
    public int Port { get; } = int.Parse(name.AsSpan(name.LastIndexOf(':') + 1), provider: null);

    public bool IsConfigured => isConfigured;

    /// <summary>Whether its endpoints are pushed. Where they are not, those that it has are the last that were said.</summary>
    public bool IsWatched => _isWatched;

    /// <summary>0: nothing was pushed yet, or the service is not known to the mesh.</summary>
    public long Version => _content.Version;

    /// <summary>As last pushed.</summary>
    public EndpointSet Endpoints => _content.Endpoints;

    /// <summary>When the application last asked for it, by <see cref="EndpointClock"/>.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>Whether an address is one of the service itself, as last pushed.</summary>
    public bool Has(IPAddress address)
    {
        foreach (var own in _content.Addresses)
        {
            if (own.Equals(address))
            {
                return true;
            }
        }

        return false;
    }

    public void Use(long now)
    {
        // Not written by each connection: a second is precise enough.
        if (now - LastUsed >= 1_000)
        {
            Volatile.Write(ref _lastUsed, now);
        }
    }

    internal void Set(long version, EndpointSet endpoints, IPAddress[] addresses) => _content = new Content(version, endpoints, addresses);

    internal void Watch() => _isWatched = true;

    internal void Unwatch() => _isWatched = false;

    private sealed record Content(long Version, EndpointSet Endpoints, IPAddress[] Addresses);
}
