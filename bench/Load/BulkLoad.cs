using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using System.Runtime.CompilerServices;

namespace Mesh.Bench.Load;

/// <summary>As many bytes as go through, in one direction, over connections that stay open.</summary>
internal sealed class BulkLoad : ILoad
{
    private const int Piece = 64 * 1024;
    private const long NotOpen = -2;
    private const long Greeted = -1;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ReadySet _ready = new();
    private readonly Dictionary<int, long> _sent = [];

    private BulkLoad()
    {
    }

    /// <exception cref="LoadException">The backend was not reached.</exception>
    public static ILoad Open(IPEndPoint entrance, int connections)
    {
        var load = new BulkLoad();
        try
        {
            load.Connect(entrance, connections);
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
        Send(started, duration);
        var bytes = Settle();
        return new LoadResult(bytes, TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.Zero);
    }

    public void Dispose()
    {
        foreach (var socket in _sent.Keys)
        {
            Libc.Close(socket);
        }

        _ready.Dispose();
    }

    // Each has said what it is, and the backend that it has heard that.
    private void Connect(IPEndPoint entrance, int connections)
    {
        for (var i = 0; i < connections; i++)
        {
            var socket = Libc.Connect(entrance);
            _sent.Add(socket, NotOpen);
            _ready.Watch(socket, ReadySet.Writable);
        }

        var (heard, started) = (new byte[1], TimeProvider.System.GetTimestamp());
        for (var open = 0; open < connections;)
        {
            var count = _ready.Wait(TimeSpan.FromMilliseconds(200));
            for (var i = 0; i < count; i++)
            {
                var socket = _ready[i];
                if (_sent[socket] == NotOpen)
                {
                    _sent[socket] = Greeted;
                    _ready.Change(socket, ReadySet.Readable);
                    Check(Libc.Send(socket, [Exchange.Bulk]) == 1);
                }
                else if (_sent[socket] == Greeted)
                {
                    Check(Libc.Receive(socket, heard) == 1);
                    _sent[socket] = 0;
                    open++;
                    _ready.Change(socket, ReadySet.Writable);
                }
            }

            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                throw new LoadException($"{connections - open} connections are not open after {Patience.TotalSeconds} s.");
            }
        }

        static void Check(bool isDone)
        {
            if (!isDone)
            {
                throw new LoadException($"A connection did not come about: {new Win32Exception(Libc.Errno).Message}.");
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Send(long started, TimeSpan duration)
    {
        while (TimeProvider.System.GetElapsedTime(started) < duration)
        {
            var count = _ready.Wait(TimeSpan.FromMilliseconds(200));
            for (var i = 0; i < count; i++)
            {
                var (socket, sent) = (_ready[i], _sent[_ready[i]]);
                var more = Libc.Send(socket, Pattern.At(sent, Piece));
                if (more >= 0)
                {
                    _sent[socket] = sent + more;
                }
                else if (Libc.Errno != Libc.WouldBlock)
                {
                    throw new LoadException($"A connection ended under way: {new Win32Exception(Libc.Errno).Message}.");
                }
            }
        }
    }

    // Ends every connection and takes every verdict.
    private long Settle()
    {
        foreach (var socket in _sent.Keys)
        {
            Libc.EndSending(socket);
            _ready.Change(socket, ReadySet.Readable);
        }

        var (bytes, started) = (0L, TimeProvider.System.GetTimestamp());
        var verdict = new byte[Exchange.VerdictBytes];
        while (_sent.Count > 0)
        {
            var count = _ready.Wait(TimeSpan.FromMilliseconds(200));
            for (var i = 0; i < count; i++)
            {
                var socket = _ready[i];
                // So little comes at once or not at all.
                var read = Libc.Receive(socket, verdict);
                if (read < 0 && Libc.Errno == Libc.WouldBlock)
                {
                    continue;
                }

                Check(verdict, read, _sent[socket]);
                bytes += _sent[socket];
                _sent.Remove(socket);
                Libc.Close(socket);
            }

            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                throw new LoadException($"{_sent.Count} connections have no verdict after {Patience.TotalSeconds} s.");
            }
        }

        return bytes;
    }

    private static void Check(ReadOnlySpan<byte> verdict, int read, long sent)
    {
        if (read != verdict.Length)
        {
            throw new LoadException("A connection ended without a verdict.");
        }

        var (received, wrongAt) = (BinaryPrimitives.ReadInt64LittleEndian(verdict), BinaryPrimitives.ReadInt64LittleEndian(verdict[8..]));
        if (received != sent || wrongAt != Exchange.NoneWrong)
        {
            throw new LoadException($"{sent} bytes were sent, {received} received, the first wrong ones at {wrongAt} (-1: none).");
        }
    }
}
