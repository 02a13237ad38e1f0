using System.Collections.Concurrent;
using Mesh.ProxyHost.Hosting;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Connections;

namespace Mesh.ProxyHost.Limits;

/// <summary>
/// How many connections there may be: in all, of those that have proven nothing yet, of one remote address among those, and of
/// one identity. A connection counts as unproven from its first packet until its certificate was found good.
/// </summary>
internal sealed class ConnectionGate(ProxyHostOptions options, Refusals refusals, TimeProvider clock)
{
    private readonly ConcurrentDictionary<PeerConnection, bool> _open = new();
    private readonly Quota<string> _addresses = new();
    private readonly Quota<SpiffeId> _identities = new();
    private int _total;
    private int _unproven;

    /// <summary>Every connection that was let in.</summary>
    public IEnumerable<PeerConnection> Open => _open.Keys;

    /// <summary>Carries one connection, or ends it at once.</summary>
    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var peer = new PeerConnection(connection, clock.GetUtcNow());
        if (TryEnter(peer) is { } limit)
        {
            refusals.Connection(limit, peer.Address, "There are as many connections as there may be.");
            peer.Abort(limit);
            return;
        }

        peer.Attach();
        _open[peer] = true;
        try
        {
            await next(connection);
        }
        finally
        {
            _open.TryRemove(peer, out _);
            Leave(peer);
            if (!peer.IsJudged)
            {
                refusals.Connection("Handshake", peer.Address, "The TLS handshake failed, or took too long.");
            }
        }
    }

    /// <summary>Counts a connection for its identity from now on. False where that has as many as it may.</summary>
    public bool TryProve(PeerConnection peer, ProvenPeer proven)
    {
        if (!_identities.TryTake(proven.Svid.Id, options.MaxConnectionsPerIdentity))
        {
            return false;
        }

        peer.Proven = proven;
        _addresses.Return(peer.Address);
        Interlocked.Decrement(ref _unproven);
        return true;
    }

    // Null where it may come in, else the name of the limit.
    private string? TryEnter(PeerConnection peer)
    {
        if (Interlocked.Increment(ref _total) > options.MaxConnections)
        {
            Interlocked.Decrement(ref _total);
            return nameof(options.MaxConnections);
        }

        if (!_addresses.TryTake(peer.Address, options.MaxUnprovenConnectionsPerAddress))
        {
            Interlocked.Decrement(ref _total);
            return nameof(options.MaxUnprovenConnectionsPerAddress);
        }

        if (Interlocked.Increment(ref _unproven) > options.MaxUnprovenConnections)
        {
            Interlocked.Decrement(ref _unproven);
            Interlocked.Decrement(ref _total);
            _addresses.Return(peer.Address);
            return nameof(options.MaxUnprovenConnections);
        }

        return null;
    }

    private void Leave(PeerConnection peer)
    {
        Interlocked.Decrement(ref _total);
        if (peer.Proven is { } proven)
        {
            _identities.Return(proven.Svid.Id);
            return;
        }

        _addresses.Return(peer.Address);
        Interlocked.Decrement(ref _unproven);
    }
}
