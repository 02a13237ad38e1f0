using System.Net;
using System.Net.Sockets;

namespace Mesh.ProxyHost.Limits;

/// <summary>What counts as one remote address.</summary>
internal static class RemoteAddress
{
    /// <summary>An IPv4 address, or the /64 of an IPv6 address: whoever has one address of those has them all.</summary>
    public static string Of(EndPoint? endpoint)
    {
        if (endpoint is not IPEndPoint { Address: var address })
        {
            return "unknown";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4().ToString();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address.ToString();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"{new IPAddress(bytes)}/64";
    }
}
