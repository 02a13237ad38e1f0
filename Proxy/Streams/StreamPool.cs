using System.Net;
using Mesh.Proxy.Loops;
using Mesh.Spiffe;

namespace Mesh.Proxy.Streams;

/// <summary>To whom, as whom: nothing is shared between two that differ in any of it.</summary>
/// <param name="Own">The certificate that was shown; each renewal begins anew.</param>
/// <param name="Server">Who answered.</param>
/// <param name="Address">Where.</param>
internal readonly record struct StreamPoolKey(SvidCredential Own, SpiffeId Server, IPEndPoint Address);

/// <summary>The connections of one loop that are between two streams, kept for the next one. The last that was used comes first.</summary>
/// <param name="maxIdle">How many are kept for each key; 0: none.</param>
internal sealed class StreamPool(int maxIdle)
{
    /// <summary>Keys at once; beyond them nothing is kept.</summary>
    private const int MaxKeys = 1_024;

    /// <summary>After this time without a stream a connection is closed.</summary>
    public static readonly TimeSpan MaxIdleTime = TimeSpan.FromSeconds(60);

    private readonly Dictionary<StreamPoolKey, List<StreamConnection>> _idle = [];
    private bool _isClosed;

    /// <summary>A connection for the next stream; null: there is none.</summary>
    public StreamConnection? Take(StreamPoolKey key)
    {
        if (!_idle.TryGetValue(key, out var connections))
        {
            return null;
        }

        var connection = connections[^1];
        Forget(key, connections, connections.Count - 1);
        connection.Socket.ForgetReader();
        connection.Socket.LiftLimit();
        return connection;
    }

    /// <summary>Keeps a connection, or closes it.</summary>
    public void Put(StreamPoolKey key, StreamConnection connection)
    {
        Span<byte> unasked = stackalloc byte[1];
        if (_isClosed || maxIdle == 0 || !connection.IsBetweenStreams || connection.HasMore || connection.Tls.Read(unasked) != LoopSocket.WouldBlock || connection.Socket.IsReadable
            || (!_idle.ContainsKey(key) && _idle.Count >= MaxKeys))
        {
            connection.Close();
            return;
        }

        if (!_idle.TryGetValue(key, out var connections))
        {
            _idle.Add(key, connections = []);
        }

        if (connections.Count >= maxIdle)
        {
            connection.Close();
            return;
        }

        connection.Restart();
        connections.Add(connection);
        // Whatever the other side has to say now, it is that it wants no more of it.
        connection.Socket.Limit(MaxIdleTime);
        connection.Socket.WhenReadable(() => Drop(key, connection));
    }

    /// <summary>Closes those of a key: they answer no more.</summary>
    public void Clear(StreamPoolKey key)
    {
        while (Take(key) is { } connection)
        {
            connection.Dispose();
        }
    }

    /// <summary>Closes all, and keeps none from now on: the proxy stops.</summary>
    public void Close()
    {
        _isClosed = true;
        foreach (var key in _idle.Keys.ToArray())
        {
            Clear(key);
        }
    }

    private void Drop(StreamPoolKey key, StreamConnection connection)
    {
        // Else it was taken after it was called, and before it ran: it carries a stream now.
        if (_idle.TryGetValue(key, out var connections) && connections.IndexOf(connection) is var at and >= 0)
        {
            Forget(key, connections, at);
            connection.Close();
        }
    }

    private void Forget(StreamPoolKey key, List<StreamConnection> connections, int at)
    {
        connections.RemoveAt(at);
        if (connections.Count == 0)
        {
            _idle.Remove(key);
        }
    }
}
