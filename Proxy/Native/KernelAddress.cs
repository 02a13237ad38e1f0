using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Mesh.Proxy.Native;

/// <summary>A <c>sockaddr_in</c> or <c>sockaddr_in6</c>, as the kernel writes it. IPv4 inside IPv6 is read as IPv4.</summary>
internal static class KernelAddress
{
    /// <summary>Large enough for both, and for any other family: <c>sockaddr_storage</c>.</summary>
    public const int MaxBytes = 128;

    private const ushort Inet = 2;
    private const ushort Inet6 = 10;
    private const int InetBytes = 16;
    private const int Inet6Bytes = 28;

    /// <returns>The address, or null where it is of another family or cut short.</returns>
    public static IPEndPoint? Read(ReadOnlySpan<byte> address)
    {
        if (address.Length < InetBytes)
        {
            return null;
        }

        // The family is in the machine's order, port and address in the network's; the scope in the machine's again.
        var port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        switch (MemoryMarshal.Read<ushort>(address))
        {
            case Inet:
                return new IPEndPoint(new IPAddress(address.Slice(4, 4)), port);
            case Inet6 when address.Length >= Inet6Bytes:
                var ip = new IPAddress(address.Slice(8, 16), MemoryMarshal.Read<uint>(address[24..]));
                return new IPEndPoint(ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip, port);
            default:
                return null;
        }
    }

    /// <summary>This end of a connection.</summary>
    /// <returns>Null where the descriptor is no TCP socket, or is closed.</returns>
    public static IPEndPoint? LocalOf(int descriptor)
    {
        Span<byte> address = stackalloc byte[MaxBytes];
        var length = address.Length;
        return Libc.OwnName(descriptor, address, ref length) == 0 ? ReadFilled(address, length) : null;
    }

    /// <summary>The other end of a connection.</summary>
    /// <returns>Null where the descriptor is no connected TCP socket.</returns>
    public static IPEndPoint? RemoteOf(int descriptor)
    {
        Span<byte> address = stackalloc byte[MaxBytes];
        var length = address.Length;
        return Libc.PeerName(descriptor, address, ref length) == 0 ? ReadFilled(address, length) : null;
    }

    /// <summary>Reads what a call has filled in.</summary>
    /// <param name="address">The room that it had.</param>
    /// <param name="length">How long it says that the address is, which may be longer.</param>
    /// <returns>As <see cref="Read"/>.</returns>
    public static IPEndPoint? ReadFilled(ReadOnlySpan<byte> address, int length) => Read(address[..Math.Min(length, address.Length)]);
}
