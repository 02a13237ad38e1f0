using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Interception;

/// <summary>Where a connection was going before a REDIRECT rule brought it here, as connection tracking remembers it.</summary>
internal static class OriginalDestination
{
    // SO_ORIGINAL_DST of <linux/netfilter_ipv4.h>, IP6T_SO_ORIGINAL_DST of <linux/netfilter_ipv6/ip6_tables.h>.
    private const int SoOriginalDst = 80;

    /// <param name="descriptor">An accepted connection, IPv4, IPv6, or IPv4 on an IPv6 listener.</param>
    /// <returns>
    /// Null where it was not redirected, and where the listener's own address stands there: going on to that would come back here for ever.
    /// </returns>
    public static IPEndPoint? Of(int descriptor) => KernelAddress.LocalOf(descriptor) is { } local ? Decide(local, Ask(descriptor, local)) : null;

    /// <summary>Whether a destination is one that a connection was redirected from.</summary>
    public static IPEndPoint? Decide(IPEndPoint local, IPEndPoint? tracked) =>
        // What was never translated is tracked too, with the address where it has arrived.
        tracked is null || tracked.Port == 0 || tracked.Equals(local) ? null : tracked;

    private static IPEndPoint? Ask(int descriptor, IPEndPoint local)
    {
        Span<byte> address = stackalloc byte[KernelAddress.MaxBytes];
        var length = address.Length;
        // The family of what travels, not of the socket: an IPv6 listener takes IPv4 too.
        var level = local.AddressFamily == AddressFamily.InterNetwork ? Libc.SolIp : Libc.SolIpv6;
        return Libc.GetOption(descriptor, level, SoOriginalDst, address, ref length) == 0
            ? KernelAddress.ReadFilled(address, length)
            : null; // ENOENT: connection tracking knows nothing of it. ENOPROTOOPT: there is no connection tracking.
    }
}
