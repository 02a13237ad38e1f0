using System.ComponentModel;
using System.Net;
using System.Runtime.CompilerServices;

namespace Mesh.Bench.Load;

/// <summary>Small requests and answers over connections that stay open, one under way on each.</summary>
internal sealed class RequestLoad : ILoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ReadySet _ready = new();
    private readonly Dictionary<int, Connection> _connections = [];
    private readonly byte[] _request = new byte[Exchange.RequestBytes];
    private Latencies _latencies = new();
    private long _number;

    private RequestLoad()
    {
    }

    /// <summary>Connections that have each carried one request, and stay open until this is disposed.</summary>
    /// <exception cref="LoadException">An answer is missing or wrong.</exception>
    public static ILoad Open(IPEndPoint entrance, int connections)
    {
        var load = new RequestLoad();
        try
        {
            // Not all at once: what is looked at is what they hold, not what their coming takes.
            const int atOnce = 20;
            for (var opened = 0; opened < connections; opened += atOnce)
            {
                load.Connect(entrance, Math.Min(atOnce, connections - opened));
                load.Ask(TimeProvider.System.GetTimestamp(), TimeSpan.Zero);
            }

            load._latencies = new Latencies();
            return load;
        }
        catch
        {
            load.Dispose();
            throw;
        }
    }

    public LoadResult Run(TimeSpan duration)
    {
        var started = TimeProvider.System.GetTimestamp();
        foreach (var (socket, connection) in _connections)
        {
            Ask(socket, connection);
        }

        Ask(started, duration);
        return _latencies.ToResult(TimeProvider.System.GetElapsedTime(started));
    }

    public void Dispose()
    {
        foreach (var socket in _connections.Keys)
        {
            Libc.Close(socket);
        }

        _ready.Dispose();
    }

    private void Connect(IPEndPoint entrance, int connections)
    {
        for (var i = 0; i < connections; i++)
        {
            var socket = Libc.Connect(entrance);
            _connections.Add(socket, new Connection());
            _ready.Watch(socket, ReadySet.Writable);
        }
    }

    // Until the time is over and every connection has had its answer.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Ask(long started, TimeSpan duration)
    {
        var open = _connections.Values.Count(connection => connection.IsWaiting);
        while (open > 0)
        {
            var count = _ready.Wait(TimeSpan.FromMilliseconds(200));
            var now = TimeProvider.System.GetTimestamp();
            var isOver = TimeProvider.System.GetElapsedTime(started, now) >= duration;
            for (var i = 0; i < count; i++)
            {
                var (socket, connection) = (_ready[i], _connections[_ready[i]]);
                if (connection.Number < 0)
                {
                    _ready.Change(socket, ReadySet.Readable);
                    Ask(socket, connection);
                }
                else if (IsAnswered(socket, connection))
                {
                    if (isOver)
                    {
                        open--;
                    }
                    else
                    {
                        Ask(socket, connection);
                    }
                }
            }

            if (isOver && TimeProvider.System.GetElapsedTime(started, now) > duration + Patience)
            {
                throw new LoadException($"{open} requests have no answer after {Patience.TotalSeconds} s.");
            }
        }
    }

    private void Ask(int socket, Connection connection)
    {
        (connection.Number, connection.IsWaiting) = (_number++, true);
        connection.AskedAt = TimeProvider.System.GetTimestamp();
        Exchange.WriteRequest(_request, Exchange.Requests, connection.Number);
        if (Libc.Send(socket, _request) != _request.Length)
        {
            throw new LoadException($"A request could not be sent: {new Win32Exception(Libc.Errno).Message}.");
        }
    }

    private bool IsAnswered(int socket, Connection connection)
    {
        var read = Libc.Receive(socket, connection.Answer.AsSpan(connection.Received));
        if (read <= 0)
        {
            return read < 0 && Libc.Errno == Libc.WouldBlock ? false : throw new LoadException("A connection ended before the answer.");
        }

        connection.Received += read;
        if (connection.Received < connection.Answer.Length)
        {
            return false;
        }

        _latencies.Add(TimeProvider.System.GetElapsedTime(connection.AskedAt));
        (connection.Received, connection.IsWaiting) = (0, false);
        return Exchange.IsAnswer(connection.Answer, connection.Number) ? true : throw new LoadException("An answer is not to the request.");
    }

    private sealed class Connection
    {
        /// <summary>Of the request under way, or of the last one; -1 before the first.</summary>
        public long Number { get; set; } = -1;

        /// <summary>For its connection, or for an answer.</summary>
        public bool IsWaiting { get; set; } = true;

        public long AskedAt { get; set; }

        public int Received { get; set; }

        public byte[] Answer { get; } = new byte[Exchange.AnswerBytes];
    }
}
