using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Loops;

/// <summary>Accepts connections on one address and spreads them over the loops; at the limit, further ones wait in the kernel.</summary>
/// <remarks>
/// At the limit whoever has not yet shown what he wants makes room, the one that has dawdled longest first: a crowd that connects and says
/// nothing keeps nobody out.
/// </remarks>
internal sealed class SocketListener : IDisposable
{
    // Those who have connections already must not wait while a crowd is let in.
    private const int MaxAcceptedAtOnce = 8;
    private const int Backlog = 4_096;

    /// <summary>So long nobody has to make room who has just come.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Socket _socket;
    private readonly LoopGroup _loops;
    private readonly PerLoop<LinkedList<LoopSocket>> _strangers = new(_ => new LinkedList<LoopSocket>());
    private readonly PerLoop<LoopTimer> _pauses;
    private readonly int _maxConnections;
    private readonly Troubles _troubles;
    private Func<LoopSocket, Task> _serve = _ => Task.CompletedTask;
    private int _open;
    private int _idle;
    private int _isFull;
    private int _isShort;
    private volatile bool _isStopping;

    /// <exception cref="IOException">The address can't be had; the message names it.</exception>
    public SocketListener(IPEndPoint address, int maxConnections, LoopGroup loops, Troubles troubles)
    {
        (_loops, _maxConnections, _troubles) = (loops, maxConnections, troubles);
        _pauses = new(loop => new LoopTimer(loop.Timers, () => Resume(loop)));
        _socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            _socket.Bind(address);
            LoopSocket.UseMeshSettings(Descriptor);
            _socket.Listen(Backlog);
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new IOException($"Cannot listen on {address}: {e.Message}", e);
        }
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Connections that are being served; those that are only kept for later are not.</summary>
    public int Open => Volatile.Read(ref _open) - Volatile.Read(ref _idle);

    private int Descriptor => (int)_socket.Handle;

    /// <summary>Accepts until told to stop. Then new clients are refused at once: nobody would serve those who wait in the kernel.</summary>
    /// <param name="serve">Runs on the loop of the connection, which ends with it.</param>
    /// <param name="stopping">Ends it.</param>
    public async Task RunAsync(Func<LoopSocket, Task> serve, CancellationToken stopping)
    {
        _serve = serve;
        var descriptor = Descriptor;
        await OnEachLoopAsync(loop => loop.Watch(descriptor, () => Accept(loop)));
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stopping.Register(told.SetResult);
        await told.Task;
        _isStopping = true;
        await OnEachLoopAsync(loop => loop.Unwatch(descriptor));
        _socket.Dispose();
    }

    /// <summary>It is known what this connection wants: it makes room for nobody any more. On its loop.</summary>
    public void IsKnown(LoopSocket socket)
    {
        if (socket.Stranger is { } stranger)
        {
            _strangers[socket.Loop].Remove(stranger);
            socket.Stranger = null;
        }
    }

    /// <summary>A connection is kept for later, and makes room at the limit; or it is used again. On its loop.</summary>
    public void CountIdle(LoopSocket socket, bool isIdle)
    {
        Interlocked.Add(ref _idle, isIdle ? 1 : -1);
        if (!isIdle)
        {
            IsKnown(socket);
        }
        else if (!socket.IsClosed)
        {
            socket.Stranger ??= _strangers[socket.Loop].AddLast(socket);
        }
    }

    public void Dispose() => _socket.Dispose();

    private Task OnEachLoopAsync(Action<EventLoop> action) => Task.WhenAll(_loops.Loops.Select(loop =>
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() =>
        {
            action(loop);
            done.SetResult();
        });
        return done.Task;
    }));

    private void Accept(EventLoop loop)
    {
        for (var count = 0; count < MaxAcceptedAtOnce; count++)
        {
            if (!TryTakePlace())
            {
                if (!_socket.Poll(TimeSpan.Zero, SelectMode.SelectRead))
                {
                    // The last place went to the last who wanted one.
                    return;
                }

                MakeRoom(loop);
                WaitForPlace(loop);
                return;
            }

            var descriptor = Libc.Accept(Descriptor, 0, 0, Libc.SockNonBlock | Libc.SockCloseOnExec);
            if (descriptor < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                GiveBackPlace();
                if (error is not (Libc.EAGAIN or Libc.EINTR or Libc.ECONNABORTED))
                {
                    // Out of descriptors or memory: the listener goes on when others have ended. Newcomers wait in the kernel, nobody knows how many.
                    if (Interlocked.Exchange(ref _isShort, 1) == 0)
                    {
                        _troubles.Short($"cannot accept connections: {Errno.Describe(error)}");
                    }

                    Rest(loop);
                }

                return;
            }

            Volatile.Write(ref _isShort, 0);
            var chosen = _loops.ChooseFor(loop);
            if (chosen == loop)
            {
                _ = ServeAsync(loop, descriptor);
            }
            else
            {
                chosen.Post(() => _ = ServeAsync(chosen, descriptor));
            }
        }
    }

    private async Task ServeAsync(EventLoop loop, int descriptor)
    {
        try
        {
            using var socket = LoopSocket.Accepted(loop, descriptor);
            socket.Listener = this;
            socket.Stranger = _strangers[loop].AddLast(socket);
            try
            {
                await _serve(socket);
            }
            finally
            {
                await loop.EnterAsync();
                IsKnown(socket);
            }
        }
        catch (Exception fault)
        {
            // Nobody awaits this.
            _troubles.Fault(fault);
        }
        finally
        {
            GiveBackPlace();
        }
    }

    private void MakeRoom(EventLoop loop)
    {
        if (_strangers[loop].First is { Value: var oldest } && TimeProvider.System.GetElapsedTime(oldest.Began) > Grace)
        {
            oldest.Abort();
        }
    }

    private bool TryTakePlace()
    {
        if (Interlocked.Increment(ref _open) <= _maxConnections)
        {
            return true;
        }

        Interlocked.Decrement(ref _open);
        return false;
    }

    private void GiveBackPlace()
    {
        Interlocked.Decrement(ref _open);
        if (Volatile.Read(ref _isFull) == 1 && Interlocked.Exchange(ref _isFull, 0) == 1)
        {
            _loops.PostAll(Resume);
        }
    }

    private void WaitForPlace(EventLoop loop)
    {
        loop.Unwatch(Descriptor);
        // Whether or not a place comes free: in a while somebody may have dawdled long enough.
        ResumeLater(loop);
        Interlocked.Exchange(ref _isFull, 1);
        if (Volatile.Read(ref _open) < _maxConnections && Interlocked.Exchange(ref _isFull, 0) == 1)
        {
            // A place has come free before anybody could know that somebody waits for it.
            _loops.PostAll(Resume);
        }
    }

    private void Rest(EventLoop loop)
    {
        loop.Unwatch(Descriptor);
        ResumeLater(loop);
    }

    private void ResumeLater(EventLoop loop) => _pauses[loop].Set(Pause);

    private void Resume(EventLoop loop)
    {
        if (!_isStopping)
        {
            var descriptor = Descriptor;
            loop.Unwatch(descriptor);
            loop.Watch(descriptor, () => Accept(loop));
        }
    }
}
