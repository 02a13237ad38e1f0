using System.Runtime.InteropServices;

namespace Mesh.Proxy.Native;

/// <summary>What native code has allocated and not freed: OpenSSL, for the most part, since managed memory comes from elsewhere.</summary>
/// <remarks>
/// Asked of the C library, which counts anyhow. OpenSSL's own hooks (<c>CRYPTO_set_mem_functions</c>) would have to be native code: it frees a
/// thread's last memory when that thread is no longer known to the runtime.
/// </remarks>
internal static partial class Allocations
{
    private static bool s_isUnknown;

    /// <summary>Bytes in use; null where the C library can't say (it is not glibc, or older than 2.33).</summary>
    public static long? Bytes
    {
        get
        {
            if (s_isUnknown)
            {
                return null;
            }

            try
            {
                var use = Read();
                return (long)(use.InUse + use.InMappedBlocks);
            }
            catch (EntryPointNotFoundException)
            {
                s_isUnknown = true;
                return null;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial MallInfo Read();

    // struct mallinfo2 of <malloc.h>.
    [StructLayout(LayoutKind.Sequential)]
    private struct MallInfo
    {
        public nuint Arena;
        public nuint FreeBlocks;
        public nuint FastBlocks;
        public nuint MappedBlocks;
        public nuint InMappedBlocks;
        public nuint Unused;
        public nuint InFastBlocks;
        public nuint InUse;
        public nuint Free;
        public nuint Releasable;
    }
}
