using System.Runtime.InteropServices;

namespace Mesh.Bench.Load;

/// <summary>Handles that are waited for together: epoll, level-triggered.</summary>
internal sealed unsafe class ReadySet : IDisposable
{
    public const uint Readable = 1;
    public const uint Writable = 4;

    private const int Add = 1;
    private const int Modify = 3;
    private const int Most = 256;

    // struct epoll_event is packed on x86-64 and nowhere else.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int Size = DataAt + 8;

    private readonly int _epoll = Libc.CreateEpoll();
    private readonly byte* _entries = (byte*)NativeMemory.AllocZeroed((nuint)(Most * Size));

    public void Watch(int handle, uint events) => Control(Add, handle, events);

    /// <summary>Watches it for something else. One that is closed is watched no more.</summary>
    public void Change(int handle, uint events) => Control(Modify, handle, events);

    /// <summary>How many are ready: see <see cref="this"/>.</summary>
    public int Wait(TimeSpan patience) => Libc.Wait(_epoll, _entries, Most, patience);

    /// <summary>A handle that is ready.</summary>
    public int this[int index] => *(int*)(_entries + (index * Size) + DataAt);

    public void Dispose()
    {
        Libc.Close(_epoll);
        NativeMemory.Free(_entries);
    }

    private void Control(int operation, int handle, uint events)
    {
        var entry = stackalloc byte[16];
        *(uint*)entry = events;
        *(long*)(entry + DataAt) = handle;
        Libc.Control(_epoll, operation, handle, entry);
    }
}
