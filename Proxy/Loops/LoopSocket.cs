using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Loops;

/// <summary>A TCP connection on an <see cref="EventLoop"/>. Owns its descriptor; used on its loop's thread alone.</summary>
internal sealed class LoopSocket : IDisposable
{
    /// <summary>There is nothing to read, or no room to write, now.</summary>
    public const int WouldBlock = -1;

    /// <summary>The connection has failed, or was closed here; <see cref="Error"/> says how.</summary>
    public const int Failed = -2;

    private const int KeepAliveIdleSeconds = 60;
    private const int KeepAliveIntervalSeconds = 10;
    private const int KeepAliveProbes = 6;

    private readonly int _slot;
    private int _descriptor;
    private bool _isReadable;
    private bool _hasUrgent;
    private Action? _reader;
    private Action? _writer;
    private LoopTimer? _limit;

    private LoopSocket(EventLoop loop, int descriptor, bool isConnected)
    {
        (Loop, _descriptor, IsWritable) = (loop, descriptor, isConnected);
        try
        {
            (_slot, Generation) = loop.Register(this, descriptor);
        }
        catch
        {
            _ = Libc.Close(descriptor);
            throw;
        }
    }

    public EventLoop Loop { get; }

    /// <summary>What accepted it; null where it was opened here.</summary>
    public SocketListener? Listener { get; set; }

    /// <summary>Its place among those of whom nobody knows yet what they want.</summary>
    public LinkedListNode<LoopSocket>? Stranger { get; set; }

    /// <summary>When it came, as <see cref="TimeProvider.GetTimestamp"/> says.</summary>
    public long Began { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>The kernel's number for it; -1 once it is closed.</summary>
    public int Descriptor => _descriptor;

    /// <summary>There may be something to read, an end or an error too.</summary>
    public bool IsReadable => _isReadable;

    /// <summary>There may be room to write.</summary>
    public bool IsWritable { get; private set; }

    /// <summary>The time that <see cref="Limit"/> gave is up.</summary>
    public bool IsLate { get; private set; }

    /// <summary>The other side has said that nothing more comes, or the connection has failed.</summary>
    public bool HasHungUp { get; private set; }

    /// <summary>The kernel has told of an error: the other side has reset the connection, or can be reached no more.</summary>
    public bool HasFailed { get; private set; }

    public bool IsClosed => _descriptor < 0;

    /// <summary>Nothing can be said to the other side any more.</summary>
    public bool IsGone => IsClosed || HasFailed;

    /// <summary>Nobody need wait any more.</summary>
    public bool IsOver => IsClosed || IsLate;

    /// <summary>The kernel's number for what made it fail; 0: none.</summary>
    public int Error { get; private set; }

    /// <summary>Tells its place among the loop's sockets from those who had the place before.</summary>
    internal uint Generation { get; }

    /// <summary>Takes over a connection that was accepted.</summary>
    /// <exception cref="IOException">The kernel refuses to watch it; it is closed.</exception>
    public static LoopSocket Accepted(EventLoop loop, int descriptor) => new(loop, descriptor, isConnected: true);

    /// <summary>Begins to connect.</summary>
    /// <param name="from">The address that this end has; null: whichever the kernel takes.</param>
    /// <returns>The socket, to be awaited with <see cref="ConnectedAsync"/>; null: the address can't be had, see <paramref name="error"/>.</returns>
    public static LoopSocket? Connect(EventLoop loop, IPEndPoint address, IPAddress? from, out int error)
    {
        error = 0;
        var descriptor = Libc.Socket(
            address.AddressFamily == AddressFamily.InterNetworkV6 ? 10 : 2, Libc.SockStream | Libc.SockNonBlock | Libc.SockCloseOnExec, 0);
        if (descriptor < 0)
        {
            error = Marshal.GetLastPInvokeError();
            return null;
        }

        UseMeshSettings(descriptor);
        var serialized = address.Serialize();
        if ((from is not null && !Bind(descriptor, from))
            || (Libc.Connect(descriptor, serialized.Buffer.Span, serialized.Size) < 0 && Marshal.GetLastPInvokeError() != Libc.EINPROGRESS))
        {
            error = Marshal.GetLastPInvokeError();
            _ = Libc.Close(descriptor);
            return null;
        }

        return new LoopSocket(loop, descriptor, isConnected: false);
    }

    /// <summary>How every TCP connection of the proxy is set; what a listener is set to, its connections inherit.</summary>
    /// <remarks>
    /// Small writes leave at once; and where the other machine has vanished, an idle connection ends after two minutes instead of
    /// holding its place for ever.
    /// </remarks>
    public static void UseMeshSettings(int descriptor)
    {
        Set(descriptor, Libc.IpProtoTcp, Libc.TcpNoDelay, 1);
        Set(descriptor, Libc.SolSocket, Libc.SoKeepAlive, 1);
        Set(descriptor, Libc.IpProtoTcp, Libc.TcpKeepIdle, KeepAliveIdleSeconds);
        Set(descriptor, Libc.IpProtoTcp, Libc.TcpKeepInterval, KeepAliveIntervalSeconds);
        Set(descriptor, Libc.IpProtoTcp, Libc.TcpKeepCount, KeepAliveProbes);
    }

    public Readiness ReadableAsync() => new(this, toWrite: false);

    public Readiness WritableAsync() => new(this, toWrite: true);

    /// <summary>Waits until the connection stands.</summary>
    /// <returns>False: it does not; <see cref="Error"/> says why, or the time was up.</returns>
    public async ValueTask<bool> ConnectedAsync()
    {
        if (!await WritableAsync())
        {
            return false;
        }

        Span<int> error = stackalloc int[1];
        var bytes = sizeof(int);
        Error = Libc.GetOption(_descriptor, Libc.SolSocket, Libc.SoError, MemoryMarshal.AsBytes(error), ref bytes) == 0 ? error[0] : Marshal.GetLastPInvokeError();
        return Error == 0;
    }

    /// <summary>After this time, waiting ends and <see cref="IsLate"/> is true; unless it is lifted before.</summary>
    public void Limit(TimeSpan time)
    {
        IsLate = false;
        _limit ??= new LoopTimer(Loop.Timers, StopWaiting);
        _limit.Set(time);
    }

    /// <summary>Ends waiting as if the time were up.</summary>
    public void StopWaiting()
    {
        IsLate = true;
        WakeBoth();
    }

    /// <summary>Lifts the limit, also where it has come.</summary>
    public void LiftLimit()
    {
        _limit?.Cancel();
        IsLate = false;
    }

    /// <returns>How many bytes came; 0 at the end; <see cref="WouldBlock"/>; <see cref="Failed"/>.</returns>
    public int Receive(Span<byte> buffer)
    {
        if (!_isReadable || IsClosed)
        {
            return IsClosed ? Failed : WouldBlock;
        }

        var read = Libc.Receive(_descriptor, buffer, buffer.Length, 0);
        if (read < 0)
        {
            return Fail(ref _isReadable);
        }

        // The kernel tells when more has come; but it has told of an end already, and it stops short where urgent data was, whatever follows.
        _isReadable = read == buffer.Length || HasHungUp || _hasUrgent;
        return (int)read;
    }

    /// <summary>Looks at what is there, and leaves it there.</summary>
    /// <inheritdoc cref="Receive" path="/returns"/>
    public int Peek(Span<byte> buffer)
    {
        if (!_isReadable || IsClosed)
        {
            return IsClosed ? Failed : WouldBlock;
        }

        var read = Libc.Receive(_descriptor, buffer, buffer.Length, Libc.MsgPeek);
        return read < 0 ? Fail(ref _isReadable) : (int)read;
    }

    /// <summary>Waits for more than has been peeked at.</summary>
    public Readiness MoreAsync()
    {
        _isReadable = false;
        return ReadableAsync();
    }

    /// <summary>What was peeked at is still there to be read.</summary>
    public void HasMore() => _isReadable = true;

    /// <returns>How many bytes went; fewer than there were, where there is no more room; <see cref="Failed"/>.</returns>
    public int Send(ReadOnlySpan<byte> bytes)
    {
        var sent = 0;
        while (sent < bytes.Length)
        {
            if (IsClosed)
            {
                return Failed;
            }

            var count = Libc.Send(_descriptor, bytes[sent..], bytes.Length - sent, Libc.MsgNoSignal);
            if (count < 0)
            {
                var isWritable = true;
                if (Fail(ref isWritable) == Failed)
                {
                    return Failed;
                }

                IsWritable = false;
                return sent;
            }

            sent += (int)count;
        }

        return sent;
    }

    /// <summary>Says that nothing more comes; the other direction goes on.</summary>
    public void ShutdownSend()
    {
        if (!IsClosed)
        {
            _ = Libc.Shutdown(_descriptor, Libc.ShutdownWrite);
        }
    }

    /// <summary>Where the other side is; null where nobody knows any more.</summary>
    public IPEndPoint? Remote => KernelAddress.RemoteOf(_descriptor);

    /// <summary>Ends the connection so that the other side can't take it for a clean end: RST, not FIN.</summary>
    public void Abort()
    {
        if (!IsClosed)
        {
            ReadOnlySpan<int> linger = [1, 0];
            _ = Libc.SetOption(_descriptor, Libc.SolSocket, Libc.SoLinger, linger, 2 * sizeof(int));
            Dispose();
        }
    }

    public void Dispose()
    {
        if (IsClosed)
        {
            return;
        }

        LiftLimit();
        _ = Libc.Close(_descriptor);
        _descriptor = -1;
        Loop.Unregister(_slot);
        WakeBoth();
    }

    internal void OnEvents(uint events)
    {
        const uint Over = Libc.EpollHangUp | Libc.EpollError;
        HasHungUp |= (events & (Libc.EpollReadHangUp | Over)) != 0;
        HasFailed |= (events & Libc.EpollError) != 0;
        _hasUrgent |= (events & Libc.EpollUrgent) != 0;
        if ((events & (Libc.EpollIn | Libc.EpollReadHangUp | Over)) != 0)
        {
            _isReadable = true;
            Wake(ref _reader);
        }

        if ((events & (Libc.EpollOut | Over)) != 0 && !IsClosed)
        {
            IsWritable = true;
            Wake(ref _writer);
        }
    }

    internal void Await(Action continuation, bool toWrite)
    {
        ref var waiter = ref toWrite ? ref _writer : ref _reader;
        if (waiter is not null)
        {
            throw new InvalidOperationException("Somebody waits for this socket already.");
        }

        waiter = continuation;
    }

    /// <summary>Has something done, once, when there is something to read or the socket is closed here; unless it is forgotten before.</summary>
    public void WhenReadable(Action action) => Await(action, toWrite: false);

    /// <summary>Forgets what <see cref="WhenReadable"/> was told.</summary>
    public void ForgetReader() => _reader = null;

    private static void Wake(ref Action? waiter)
    {
        var woken = waiter;
        waiter = null;
        woken?.Invoke();
    }

    // Not at once: whoever closes a socket is in the middle of something, and must not find others in the middle of it.
    private void WakeBoth()
    {
        Defer(ref _reader);
        Defer(ref _writer);

        void Defer(ref Action? waiter)
        {
            if (waiter is { } woken)
            {
                waiter = null;
                Loop.Defer(woken);
            }
        }
    }

    private int Fail(ref bool isReady)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error is Libc.EAGAIN or Libc.EINTR)
        {
            isReady = error == Libc.EINTR;
            return WouldBlock;
        }

        Error = error;
        return Failed;
    }

    private static bool Bind(int descriptor, IPAddress address)
    {
        // The port is chosen when the other end is known, or it would be taken from all others.
        Set(descriptor, Libc.SolIp, Libc.IpBindAddressNoPort, 1);
        var own = new IPEndPoint(address, 0).Serialize();
        return Libc.Bind(descriptor, own.Buffer.Span, own.Size) == 0;
    }

    private static void Set(int descriptor, int level, int option, int value)
    {
        ReadOnlySpan<int> values = [value];
        _ = Libc.SetOption(descriptor, level, option, values, sizeof(int));
    }
}
