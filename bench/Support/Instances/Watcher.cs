using Mesh.Bench.Support.Wire;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Bench.Support.Instances;

/// <summary>A proxy that watches, and notes when which message came. What it holds is read afterwards.</summary>
internal sealed class Watcher : IAsyncDisposable
{
    private readonly WireConnection _connection;
    private readonly List<Arrival> _arrivals = [];
    private readonly Task _reading;
    private bool _isEnding;

    private Watcher(WireConnection connection)
    {
        _connection = connection;
        _reading = ReadAsync();
    }

    /// <summary>How many messages have come so far.</summary>
    public int Count
    {
        get
        {
            lock (_arrivals)
            {
                return _arrivals.Count;
            }
        }
    }

    /// <summary>Why it does not watch any more; null while it does.</summary>
    public Exception? Fault => _reading.Exception;

    public static async Task<Watcher> StartAsync(Uri proxyHost, SvidCredential credential)
    {
        var connection = await WireConnection.OpenAsync(proxyHost, credential);
        await connection.StartAsync(new WireCall("/mesh.proxy.v1.ProxySession/Watch", new WatchRequest()));
        return new Watcher(connection);
    }

    /// <summary>Everything that came, oldest first.</summary>
    public IReadOnlyList<Arrival> Arrivals()
    {
        lock (_arrivals)
        {
            return [.. _arrivals];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _isEnding = true;
        await _connection.DisposeAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadAsync()
    {
        while (!_isEnding)
        {
            var message = await _connection.NextAsync();
            var arrival = new Arrival(TimeProvider.System.GetTimestamp(), message);
            lock (_arrivals)
            {
                _arrivals.Add(arrival);
            }
        }
    }
}

/// <summary>One message of a watch.</summary>
internal readonly record struct Arrival(long At, ReadOnlyMemory<byte> Message);
