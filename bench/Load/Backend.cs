using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;

namespace Mesh.Bench.Load;

/// <summary>The application behind everything that is measured, a process of its own with one thread.</summary>
internal sealed class Backend : IDisposable
{
    private readonly ReadySet _ready = new();
    private readonly Dictionary<int, Connection> _connections = [];
    private readonly byte[] _bulk = new byte[128 * 1024];
    private readonly byte[] _answer = new byte[Exchange.AnswerBytes];
    private readonly int _listener;

    private Backend(IPEndPoint address)
    {
        _listener = Libc.Listen(address);
        _ready.Watch(_listener, ReadySet.Readable);
    }

    /// <summary>The process: serves until it is ended, or until a byte is wrong.</summary>
    public static int Run(string address)
    {
        using var backend = new Backend(IPEndPoint.Parse(address));
        Console.WriteLine("ready");
        backend.Serve();
        return 0;
    }

    public void Dispose()
    {
        Libc.Close(_listener);
        _ready.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Serve()
    {
        while (true)
        {
            var count = _ready.Wait(TimeSpan.FromSeconds(1));
            for (var i = 0; i < count; i++)
            {
                if (_ready[i] == _listener)
                {
                    Accept();
                }
                else if (!IsOpenAfter(_ready[i], _connections[_ready[i]]))
                {
                    _connections.Remove(_ready[i]);
                    Libc.Close(_ready[i]);
                }
            }
        }
    }

    private void Accept()
    {
        while (Libc.Accept(_listener) is var socket and >= 0)
        {
            _connections.Add(socket, new Connection());
            _ready.Watch(socket, ReadySet.Readable);
        }
    }

    private bool IsOpenAfter(int socket, Connection connection)
    {
        if (connection.Kind == 0)
        {
            var first = Libc.Receive(socket, _answer.AsSpan(0, 1));
            if (first <= 0)
            {
                return first < 0 && Libc.Errno == Libc.WouldBlock;
            }

            connection.Begin(_answer[0]);
            if (connection.Kind == Exchange.Bulk)
            {
                // Any byte: it was heard.
                return Libc.Send(socket, _answer.AsSpan(0, 1)) == 1;
            }
        }

        return connection.Kind == Exchange.Bulk ? TakesBulk(socket, connection) : Answers(socket, connection);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TakesBulk(int socket, Connection connection)
    {
        // Others want their turn.
        for (var turn = 0; turn < 4; turn++)
        {
            var read = Libc.Receive(socket, _bulk);
            if (read < 0)
            {
                return Libc.Errno == Libc.WouldBlock;
            }

            if (read == 0)
            {
                BinaryPrimitives.WriteInt64LittleEndian(_answer, connection.Received);
                BinaryPrimitives.WriteInt64LittleEndian(_answer.AsSpan(8), connection.WrongAt);
                Libc.Send(socket, _answer.AsSpan(0, Exchange.VerdictBytes));
                return false;
            }

            if (connection.WrongAt == Exchange.NoneWrong && !Pattern.Holds(connection.Received, _bulk.AsSpan(0, read)))
            {
                connection.WrongAt = connection.Received;
            }

            connection.Received += read;
            if (read < _bulk.Length)
            {
                break;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Answers(int socket, Connection connection)
    {
        var read = Libc.Receive(socket, connection.Request.AsSpan((int)connection.Received));
        if (read <= 0)
        {
            return read < 0 && Libc.Errno == Libc.WouldBlock;
        }

        connection.Received += read;
        if (connection.Received == Exchange.RequestBytes)
        {
            Exchange.WriteAnswer(_answer, Exchange.ReadRequest(connection.Request));
            connection.Received = 0;
            // One is under way at most, so there is room.
            return Libc.Send(socket, _answer) == _answer.Length && connection.Kind == Exchange.Requests;
        }

        return true;
    }

    private sealed class Connection
    {
        public byte Kind { get; private set; }

        /// <summary>Bytes, in all (bulk) or of the request that comes.</summary>
        public long Received { get; set; }

        public long WrongAt { get; set; } = Exchange.NoneWrong;

        public byte[] Request { get; private set; } = [];

        public void Begin(byte kind)
        {
            Kind = kind is Exchange.Bulk or Exchange.Requests or Exchange.Once ? kind : throw new LoadException($"A connection began with {kind}.");
            if (kind != Exchange.Bulk)
            {
                Request = new byte[Exchange.RequestBytes];
                Request[0] = kind;
                Received = 1;
            }
        }
    }
}
