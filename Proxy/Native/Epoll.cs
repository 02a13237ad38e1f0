using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mesh.Proxy.Native;

/// <summary>An epoll instance and the events that its last wait brought.</summary>
/// <remarks>The kernel's <c>epoll_event</c> is packed on x64 alone: 12 bytes there, 16 elsewhere.</remarks>
internal sealed class Epoll : IDisposable
{
    private const int MaxEvents = 256;

    private static readonly bool IsPacked = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int EventBytes = IsPacked ? 12 : 16;
    private static readonly int DataOffset = IsPacked ? 4 : 8;

    private readonly int _descriptor;
    private readonly byte[] _events = GC.AllocateArray<byte>(MaxEvents * 16, pinned: true);

    /// <exception cref="IOException">The kernel gives none.</exception>
    public Epoll() => _descriptor = Errno.Check(Libc.EpollCreate(Libc.EpollCloseOnExec), "epoll_create1");

    /// <summary>Watches a descriptor.</summary>
    /// <param name="descriptor">It leaves by itself when it is closed.</param>
    /// <param name="events">What for.</param>
    /// <param name="data">Comes with each event.</param>
    /// <exception cref="IOException">The kernel refuses; the message says why.</exception>
    public void Add(int descriptor, uint events, ulong data)
    {
        Span<byte> described = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(described, events);
        BinaryPrimitives.WriteUInt64LittleEndian(described[DataOffset..], data);
        Errno.Check(Libc.EpollControl(_descriptor, Libc.EpollAdd, descriptor, described), "epoll_ctl");
    }

    /// <summary>Watches a descriptor no more.</summary>
    public void Remove(int descriptor)
    {
        Span<byte> ignored = stackalloc byte[16];
        _ = Libc.EpollControl(_descriptor, Libc.EpollDelete, descriptor, ignored);
    }

    /// <returns>How many events came; 0 where none came in time.</returns>
    public int Wait(int milliseconds)
    {
        var count = Libc.EpollWait(_descriptor, _events, MaxEvents, milliseconds);
        return count >= 0 || Marshal.GetLastPInvokeError() == Libc.EINTR ? Math.Max(count, 0) : Errno.Check(count, "epoll_wait");
    }

    /// <summary>One of the events that the last wait brought.</summary>
    public (uint Events, ulong Data) this[int index]
    {
        get
        {
            var described = _events.AsSpan(index * EventBytes, EventBytes);
            return (BinaryPrimitives.ReadUInt32LittleEndian(described), BinaryPrimitives.ReadUInt64LittleEndian(described[DataOffset..]));
        }
    }

    public void Dispose() => _ = Libc.Close(_descriptor);
}
