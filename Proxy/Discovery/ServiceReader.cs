using System.Net;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Discovery;

/// <summary>Reads what the control plane says of endpoints and addresses. Pure.</summary>
internal static class ServiceReader
{
    /// <summary>Null where it can't be read: to reach it without its identity would be worse than not at all.</summary>
    public static (IPEndPoint Address, SpiffeId? Identity)? Endpoint(Endpoint endpoint)
    {
        SpiffeId? identity = null;
        return IPEndPoint.TryParse(endpoint.Address, out var address) && address.Port != 0
            && (endpoint.SpiffeId.Length == 0 || SpiffeId.TryParse(endpoint.SpiffeId, out identity, out _))
            ? (address, identity)
            : null;
    }

    /// <summary>The addresses of a service; what is none is passed over, and resolves to nothing.</summary>
    public static IPAddress[] Addresses(Service service) =>
        [.. service.Addresses.Select(text => IPAddress.TryParse(text, out var address) ? Plain(address) : null).OfType<IPAddress>()];

    /// <summary>An address as it is compared: IPv4 is never written as IPv6.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <inheritdoc cref="Plain(IPAddress)"/>
    public static IPEndPoint Plain(IPEndPoint address) =>
        address.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(address.Address.MapToIPv4(), address.Port) : address;
}
