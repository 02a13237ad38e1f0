namespace Mesh.Proxy.Loops;

/// <summary>What one step of TLS wants to send, gathered so that it leaves in one system call.</summary>
internal sealed class OutgoingBytes
{
    // A whole batch in four records, a fifth for what TLS has to say of its own, and what each record adds (RFC 8446 §5.2: at most 256).
    private const int Capacity = EventLoop.BatchBytes + 16 * 1024 + 6 * 261;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true);

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Count);

    /// <returns>False: there is no room for it.</returns>
    public bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Capacity - Count)
        {
            return false;
        }

        bytes.CopyTo(_bytes.AsSpan(Count));
        Count += bytes.Length;
        return true;
    }

    public void Clear() => Count = 0;
}
