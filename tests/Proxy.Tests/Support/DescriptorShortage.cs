using System.Globalization;
using System.Runtime.InteropServices;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Leaves this process no descriptor, until it is disposed. Nothing else may run in it meanwhile, the server of a test run included.</summary>
internal sealed partial class DescriptorShortage : IDisposable
{
    private const int MaxDescriptors = 7; // RLIMIT_NOFILE

    private readonly Stack<int> _taken = new();
    private readonly ulong[] _limits = new ulong[2];

    public DescriptorShortage()
    {
        Errno.Check(GetLimit(MaxDescriptors, _limits), "getrlimit");
        var highest = Directory.EnumerateFileSystemEntries("/proc/self/fd").Max(path => ulong.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));
        Errno.Check(SetLimit(MaxDescriptors, [highest + 1, _limits[1]]), "setrlimit");
        while (Libc.EventDescriptor(0, Libc.EventCloseOnExec) is var taken and >= 0)
        {
            _taken.Push(taken);
        }
    }

    /// <summary>Gives one back.</summary>
    public void FreeOne() => _ = Libc.Close(_taken.Pop());

    public void Dispose()
    {
        Errno.Check(SetLimit(MaxDescriptors, _limits), "setrlimit");
        while (_taken.Count > 0)
        {
            FreeOne();
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, [Out] ulong[] limits);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, ulong[] limits);
}
