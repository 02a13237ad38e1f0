using System.Runtime.InteropServices;

namespace Mesh.Proxy.Native;

/// <summary>Counts what OpenSSL holds, for whoever looks for a leak; it costs a little at each allocation, so it is asked for.</summary>
internal static unsafe partial class OpenSslMemory
{
    private static long s_bytes;

    /// <summary>Bytes that OpenSSL holds now; null: they are not counted.</summary>
    public static long? Bytes => IsCounted ? Interlocked.Read(ref s_bytes) : null;

    private static bool IsCounted { get; set; }

    /// <summary>Counts from here on. Before anything else uses OpenSSL.</summary>
    /// <exception cref="InvalidOperationException">Something has used it already.</exception>
    public static void Count()
    {
        IsCounted = SetFunctions(&Allocate, &Reallocate, &Release) == OpenSsl.Ok;
        if (!IsCounted)
        {
            throw new InvalidOperationException("OpenSSL is in use already, so what it holds can't be counted.");
        }
    }

    [LibraryImport("libcrypto.so.3", EntryPoint = "CRYPTO_set_mem_functions")]
    private static partial int SetFunctions(
        delegate* unmanaged<nuint, byte*, int, void*> allocate,
        delegate* unmanaged<void*, nuint, byte*, int, void*> reallocate,
        delegate* unmanaged<void*, byte*, int, void> release);

    [LibraryImport("libc", EntryPoint = "malloc_usable_size")]
    [SuppressGCTransition]
    private static partial nuint UsableSize(void* block);

    [UnmanagedCallersOnly]
    private static void* Allocate(nuint bytes, byte* file, int line) => Counted(bytes == 0 ? null : NativeMemory.Alloc(bytes));

    [UnmanagedCallersOnly]
    private static void* Reallocate(void* block, nuint bytes, byte* file, int line)
    {
        Interlocked.Add(ref s_bytes, -(long)UsableSize(block));
        if (bytes != 0)
        {
            return Counted(NativeMemory.Realloc(block, bytes));
        }

        NativeMemory.Free(block);
        return null;
    }

    [UnmanagedCallersOnly]
    private static void Release(void* block, byte* file, int line)
    {
        Interlocked.Add(ref s_bytes, -(long)UsableSize(block));
        NativeMemory.Free(block);
    }

    private static void* Counted(void* block)
    {
        Interlocked.Add(ref s_bytes, (long)UsableSize(block));
        return block;
    }
}
