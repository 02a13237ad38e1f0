using System.Runtime.InteropServices;

namespace Mesh.Proxy.Native;

/// <summary>What the kernel says of a call that failed.</summary>
internal static class Errno
{
    /// <summary>The reason of the last call that failed, in words.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>Whether this process or this machine is out of descriptors or memory: no matter for whom the call was.</summary>
    public static bool IsShortage(int error) => error is Libc.EMFILE or Libc.ENFILE or Libc.ENOMEM or Libc.ENOBUFS;

    /// <exception cref="IOException">The call failed; the message names it and says why.</exception>
    public static int Check(int result, string call) =>
        result >= 0 ? result : throw new IOException($"{call}: {Describe(Marshal.GetLastPInvokeError())}");
}
