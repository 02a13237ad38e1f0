using System.Collections.Concurrent;
using Mesh.Proxy.Native;
using Microsoft.Win32.SafeHandles;

namespace Mesh.Proxy.Loops;

/// <summary>
/// One thread that waits for sockets and runs what waited for them. Whatever belongs to a connection runs on its loop's thread, one thing
/// at a time, so that nothing of it needs a lock.
/// </summary>
/// <remarks>
/// Code on a loop must not block. It may await anything: the loop is a <see cref="SynchronizationContext"/>, so that whatever awaits a task
/// there goes on there.
/// </remarks>
internal sealed class EventLoop : SynchronizationContext, IDisposable
{
    /// <summary>The most that is moved in one step: four whole TLS records.</summary>
    public const int BatchBytes = 64 * 1024;

    private const int StackBytes = 512 * 1024;
    private const ulong WakeUp = ulong.MaxValue;
    private const ulong ListenerMark = 1UL << 63;

    [ThreadStatic]
    private static EventLoop? t_current;

    private readonly Epoll _epoll = new();
    // Its finalizer closes it: whoever posts something after the loop's end must not write to whatever has the number by then.
    private readonly SafeFileHandle _wakeUp;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly List<LoopSocket?> _sockets = [];
    private readonly Stack<int> _free = new();
    private readonly Dictionary<int, Action> _listeners = [];
    private List<Action> _ready = [];
    private List<Action> _running = [];
    private int _isWoken;
    private int _connections;
    private uint _generation;
    private volatile bool _isEnding;

    /// <exception cref="IOException">The kernel gives no epoll instance.</exception>
    public EventLoop(int index)
    {
        Index = index;
        _wakeUp = new SafeFileHandle(Errno.Check(Libc.EventDescriptor(0, Libc.EventNonBlock | Libc.EventCloseOnExec), "eventfd"), ownsHandle: true);
        _epoll.Add((int)_wakeUp.DangerousGetHandle(), Libc.EpollIn | Libc.EpollEdgeTriggered, WakeUp);
        _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = $"loop {index}" };
        _thread.Start();
    }

    /// <summary>Its number in its <see cref="LoopGroup"/>, from 0.</summary>
    public int Index { get; }

    /// <summary>Connections that live here.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Whether this is its thread.</summary>
    public bool IsCurrent => t_current == this;

    public LoopTimers Timers { get; } = new();

    /// <summary>Where bytes are read to and written from, by one step at a time: nobody keeps anything here over an await.</summary>
    public byte[] Scratch { get; } = GC.AllocateUninitializedArray<byte>(BatchBytes, pinned: true);

    /// <summary>What TLS wants to send, until the step is over; likewise.</summary>
    public OutgoingBytes Outgoing { get; } = new();

    /// <summary>Has something done on the loop's thread, soon. From any thread.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        if (Interlocked.Exchange(ref _isWoken, 1) == 0)
        {
            WakeThread();
        }
    }

    public override void Post(SendOrPostCallback d, object? state) => Post(() => d(state));

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nobody may wait for an event loop.");

    /// <summary>Goes on on this loop's thread, whichever thread this is.</summary>
    public Entry EnterAsync() => new(this);

    /// <summary>Lets others have their turn.</summary>
    public Turn NextTurn() => new(this);

    /// <summary>Does something once those who are waiting now have had their turn.</summary>
    public void Defer(Action action) => _ready.Add(action);

    /// <summary>Does something for each connection that is waiting to be accepted, until it is told to stop.</summary>
    /// <param name="descriptor">A listening socket, which other loops may watch too.</param>
    /// <param name="accept">Runs on this loop whenever there is one.</param>
    public void Watch(int descriptor, Action accept)
    {
        _listeners[descriptor] = accept;
        _epoll.Add(descriptor, Libc.EpollIn | Libc.EpollExclusive, ListenerMark | (uint)descriptor);
    }

    /// <summary>Ends <see cref="Watch"/>.</summary>
    public void Unwatch(int descriptor)
    {
        if (_listeners.Remove(descriptor))
        {
            _epoll.Remove(descriptor);
        }
    }

    /// <summary>Ends every connection with RST.</summary>
    public void AbortAll()
    {
        foreach (var socket in _sockets.ToArray())
        {
            socket?.Abort();
        }
    }

    /// <summary>Ends the thread, and the connections that are still there.</summary>
    public void Dispose()
    {
        _isEnding = true;
        Post(static () => { });
        if (!IsCurrent)
        {
            _thread.Join();
        }
    }

    /// <summary>Takes a socket in; it is the loop's from here on.</summary>
    /// <exception cref="IOException">The kernel refuses to watch it.</exception>
    internal (int Slot, uint Generation) Register(LoopSocket socket, int descriptor)
    {
        var slot = _free.Count > 0 ? _free.Peek() : _sockets.Count;
        var generation = _generation++ & 0x3fff_ffff;
        _epoll.Add(
            descriptor, Libc.EpollIn | Libc.EpollOut | Libc.EpollUrgent | Libc.EpollReadHangUp | Libc.EpollEdgeTriggered,
            (ulong)generation << 32 | (uint)slot);
        if (slot == _sockets.Count)
        {
            _sockets.Add(socket);
        }
        else
        {
            // Not before the kernel has taken it.
            _sockets[_free.Pop()] = socket;
        }

        Interlocked.Increment(ref _connections);
        return (slot, generation);
    }

    internal void Unregister(int slot)
    {
        _sockets[slot] = null;
        _free.Push(slot);
        Interlocked.Decrement(ref _connections);
    }

    private void Run()
    {
        t_current = this;
        SetSynchronizationContext(this);
        while (!_isEnding)
        {
            var count = _epoll.Wait(_ready.Count > 0 ? 0 : Timers.Wait);
            for (var i = 0; i < count; i++)
            {
                var (events, data) = _epoll[i];
                Dispatch(events, data);
            }

            Timers.Advance();
            RunPosted();
            RunReady();
        }

        AbortAll();
        RunPosted();
        RunReady();
        _epoll.Dispose();
    }

    private void Dispatch(uint events, ulong data)
    {
        if (data == WakeUp)
        {
            Span<byte> count = stackalloc byte[sizeof(ulong)];
            _ = Libc.Read((int)_wakeUp.DangerousGetHandle(), count, count.Length);
        }
        else if ((data & ListenerMark) != 0)
        {
            _listeners.GetValueOrDefault((int)(uint)data)?.Invoke();
        }
        else if (_sockets[(int)(uint)data] is { } socket && socket.Generation == (uint)(data >> 32))
        {
            // Whoever has that place now, if it is another, has nothing to do with the event.
            socket.OnEvents(events);
        }
    }

    private void RunPosted()
    {
        // Before the queue is looked at, so that what is posted meanwhile wakes the loop again. A volatile write would not do: a processor may
        // look at the queue before others see what was written, and who posts just then takes the loop for woken.
        Interlocked.Exchange(ref _isWoken, 0);
        for (var left = _posted.Count; left > 0 && _posted.TryDequeue(out var action); left--)
        {
            action();
        }

        if (!_posted.IsEmpty && Interlocked.Exchange(ref _isWoken, 1) == 0)
        {
            WakeThread();
        }
    }

    private void WakeThread() => _ = Libc.Write((int)_wakeUp.DangerousGetHandle(), BitConverter.GetBytes(1UL), sizeof(ulong));

    private void RunReady()
    {
        (_ready, _running) = (_running, _ready);
        foreach (var action in _running)
        {
            action();
        }

        _running.Clear();
    }
}
