using System.ComponentModel;
using System.Net;
using System.Runtime.CompilerServices;

namespace Mesh.Bench.Load;

/// <summary>New connections, each for one small request, its answer and a clean end; so many at a time.</summary>
internal sealed class ConnectionLoad : ILoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly IPEndPoint _entrance;
    private readonly int _atOnce;
    private readonly ReadySet _ready = new();
    private readonly Dictionary<int, Connection> _connections = [];
    private readonly byte[] _request = new byte[Exchange.RequestBytes];
    private readonly Latencies _latencies = new();
    private long _number;

    /// <param name="atOnce">How many are under way at any time.</param>
    public ConnectionLoad(IPEndPoint entrance, int atOnce) => (_entrance, _atOnce) = (entrance, atOnce);

    public LoadResult Run(TimeSpan duration)
    {
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < _atOnce; i++)
        {
            Open(new Connection());
        }

        Run(started, duration);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(long started, TimeSpan duration)
    {
        while (_connections.Count > 0)
        {
            var count = _ready.Wait(TimeSpan.FromMilliseconds(200));
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            for (var i = 0; i < count; i++)
            {
                var socket = _ready[i];
                var connection = _connections[socket];
                if (!connection.HasAsked)
                {
                    Ask(socket, connection);
                }
                else if (IsDone(socket, connection))
                {
                    _connections.Remove(socket);
                    Libc.Close(socket);
                    if (elapsed < duration)
                    {
                        Open(connection);
                    }
                }
            }

            if (elapsed > duration + Patience)
            {
                throw new LoadException($"{_connections.Count} connections have no answer after {Patience.TotalSeconds} s.");
            }
        }
    }

    private void Open(Connection connection)
    {
        connection.Begin(_number++);
        var socket = Libc.Connect(_entrance);
        _connections.Add(socket, connection);
        _ready.Watch(socket, ReadySet.Writable);
    }

    private void Ask(int socket, Connection connection)
    {
        Exchange.WriteRequest(_request, Exchange.Once, connection.Number);
        if (Libc.Send(socket, _request) != _request.Length)
        {
            throw new LoadException($"A connection failed: {new Win32Exception(Libc.Errno).Message}.");
        }

        connection.HasAsked = true;
        _ready.Change(socket, ReadySet.Readable);
    }

    private bool IsDone(int socket, Connection connection)
    {
        var read = Libc.Receive(socket, connection.Answer.AsSpan(connection.Received));
        if (read < 0)
        {
            return Libc.Errno == Libc.WouldBlock ? false : throw new LoadException($"A connection was cut: {new Win32Exception(Libc.Errno).Message}.");
        }

        if (read > 0)
        {
            connection.Received += read;
            return false;
        }

        if (connection.Received != Exchange.AnswerBytes || !Exchange.IsAnswer(connection.Answer.AsSpan(0, Exchange.AnswerBytes), connection.Number))
        {
            throw new LoadException($"A connection ended with {connection.Received} bytes of an answer of {Exchange.AnswerBytes}, or wrong ones.");
        }

        _latencies.Add(TimeProvider.System.GetElapsedTime(connection.OpenedAt));
        return true;
    }

    private sealed class Connection
    {
        public long Number { get; private set; }

        public long OpenedAt { get; private set; }

        public bool HasAsked { get; set; }

        public int Received { get; set; }

        // One byte more, so that an answer that is too long shows, and the end of one that is not.
        public byte[] Answer { get; } = new byte[Exchange.AnswerBytes + 1];

        public void Begin(long number) => (Number, OpenedAt, HasAsked, Received) = (number, TimeProvider.System.GetTimestamp(), false, 0);
    }
}
