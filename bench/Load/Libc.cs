using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mesh.Bench.Load;

/// <summary>
/// IPv4 sockets as the kernel has them. What makes load shares two cores with what is measured: .NET's sockets would take several times as
/// much of them, and a limit of the load would look like one of the proxies.
/// </summary>
internal static unsafe partial class Libc
{
    /// <summary>errno: nothing to read, or no room to write, at present.</summary>
    public const int WouldBlock = 11;

    private const int InProgress = 115;
    private const int Inet = 2;
    private const int Stream = 1;
    private const int NonBlocking = 0x800;
    private const int Tcp = 6;
    private const int NoDelay = 1;
    private const int SocketLevel = 1;
    private const int ReuseAddress = 2;
    private const int Backlog = 4096;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int AddressSize = 16;
    private const int ShutWrite = 1;

    /// <summary>What the last call that failed left in errno.</summary>
    public static int Errno => Marshal.GetLastPInvokeError();

    public static int Listen(IPEndPoint address)
    {
        var socket = Open();
        var on = 1;
        Checked(setsockopt(socket, SocketLevel, ReuseAddress, &on, sizeof(int)));
        var raw = stackalloc byte[AddressSize];
        Write(address, raw);
        Checked(bind(socket, raw, AddressSize));
        Checked(listen(socket, Backlog));
        return socket;
    }

    /// <summary>A connection that waits, or -1 where there is none.</summary>
    public static int Accept(int listener)
    {
        var socket = accept4(listener, null, null, NonBlocking);
        if (socket >= 0)
        {
            SetNoDelay(socket);
        }
        else if (Errno != WouldBlock)
        {
            throw new Win32Exception(Errno);
        }

        return socket;
    }

    /// <summary>Begins to connect; the socket is writable when it is done, one way or the other.</summary>
    public static int Connect(IPEndPoint address)
    {
        var socket = Open();
        var raw = stackalloc byte[AddressSize];
        Write(address, raw);
        if (connect(socket, raw, AddressSize) != 0 && Errno != InProgress)
        {
            throw new Win32Exception(Errno);
        }

        SetNoDelay(socket);
        return socket;
    }

    /// <summary>Bytes taken, or -1 with <see cref="Errno"/>.</summary>
    public static int Send(int socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            return (int)send(socket, first, (nuint)bytes.Length, DontWait | NoSignal);
        }
    }

    /// <summary>Bytes read, 0 at the end, or -1 with <see cref="Errno"/>.</summary>
    public static int Receive(int socket, Span<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            return (int)recv(socket, first, (nuint)bytes.Length, DontWait);
        }
    }

    public static void EndSending(int socket) => Checked(shutdown(socket, ShutWrite));

    public static void Close(int handle) => Checked(close(handle));

    public static int CreateEpoll() => Checked(epoll_create1(0));

    /// <param name="entry">One <c>struct epoll_event</c>.</param>
    public static void Control(int epoll, int operation, int handle, byte* entry) => Checked(epoll_ctl(epoll, operation, handle, entry));

    /// <summary>How many entries were written.</summary>
    public static int Wait(int epoll, byte* entries, int most, TimeSpan patience)
    {
        const int interrupted = 4;
        var count = epoll_wait(epoll, entries, most, (int)patience.TotalMilliseconds);
        return count >= 0 ? count : Errno == interrupted ? 0 : throw new Win32Exception(Errno);
    }

    private static int Open() => Checked(socket(Inet, Stream | NonBlocking, 0));

    private static void SetNoDelay(int socket)
    {
        var on = 1;
        Checked(setsockopt(socket, Tcp, NoDelay, &on, sizeof(int)));
    }

    // struct sockaddr_in: family in the machine's order, port and address in the network's.
    private static void Write(IPEndPoint address, byte* raw)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            throw new ArgumentException($"{address} is not an IPv4 address.", nameof(address));
        }

        new Span<byte>(raw, AddressSize).Clear();
        *(ushort*)raw = Inet;
        (raw[2], raw[3]) = ((byte)(address.Port >> 8), (byte)address.Port);
        address.Address.TryWriteBytes(new Span<byte>(raw + 4, 4), out _);
    }

    private static int Checked(int result) => result >= 0 ? result : throw new Win32Exception(Errno);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int bind(int socket, byte* address, int size);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int listen(int socket, int backlog);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int accept4(int socket, byte* address, int* size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int connect(int socket, byte* address, int size);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint send(int socket, byte* bytes, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint recv(int socket, byte* bytes, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int shutdown(int socket, int how);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int close(int handle);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setsockopt(int socket, int level, int name, int* value, int size);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int epoll_ctl(int epoll, int operation, int handle, byte* entry);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int epoll_wait(int epoll, byte* entries, int most, int milliseconds);
}
