using System.Runtime.InteropServices;
using Mesh.Cli.Network;
using Microsoft.Win32.SafeHandles;

namespace Mesh.Tests.Network;

/// <summary>
/// Makes sockets inside another network namespace, as a user of one's choice: a socket keeps both for good, whichever thread uses it later.
/// </summary>
internal static partial class HostThread
{
    private const int CloneNewNet = 0x40000000;

    /// <summary>Runs that on a thread of its own, which lives on that host and then ends.</summary>
    /// <param name="uid">Whose the sockets are, as <c>meta skuid</c> sees it; null for root.</param>
    public static Task<T> OnAsync<T>(NetworkHost host, Func<T> make, uint? uid = null)
    {
        var made = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                using var there = File.OpenHandle($"/run/netns/{host.Namespace}");
                if (SetNamespace(there, CloneNewNet) != 0)
                {
                    throw new IOException($"{host.Namespace} can't be entered: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                if (uid is { } user)
                {
                    // This thread's alone, unlike the real and effective one, which the C library sets for all.
                    _ = SetFileSystemUser(user);
                }

                made.SetResult(make());
            }
            catch (Exception e)
            {
                made.SetException(e);
            }
        })
        { IsBackground = true }.Start();
        return made.Task;
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetNamespace(SafeFileHandle descriptor, int type);

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetFileSystemUser(uint user);
}
