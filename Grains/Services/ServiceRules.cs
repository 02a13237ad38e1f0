using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Services;
using Mesh.Spiffe;

namespace Mesh.Grains.Services;

/// <summary>What a service may consist of. Pure.</summary>
internal static class ServiceRules
{
    public const int MaxEndpoints = 1_000;
    public const int MaxAddresses = 16;

    /// <summary>The definition with its addresses as they are kept: in one spelling, each once.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, <see cref="MeshError.LimitReached"/>.</exception>
    public static ServiceDefinition Checked(ServiceDefinition definition)
    {
        CheckEndpoints(definition.Endpoints);
        if (definition.Addresses.Length > MaxAddresses)
        {
            throw new MeshException(MeshError.LimitReached, $"{definition.Addresses.Length} addresses; a service has at most {MaxAddresses}.");
        }

        return definition with { Addresses = [.. definition.Addresses.Select(Address).Distinct()] };
    }

    private static void CheckEndpoints(ImmutableArray<ServiceEndpoint> endpoints)
    {
        if (endpoints.Length > MaxEndpoints)
        {
            throw new MeshException(MeshError.LimitReached, $"{endpoints.Length} endpoints; a service has at most {MaxEndpoints}.");
        }

        for (var i = 0; i < endpoints.Length; i++)
        {
            if (!IPEndPoint.TryParse(endpoints[i].Address, out var address) || address.Port == 0)
            {
                throw new MeshException(MeshError.InvalidRequest, $"Endpoint {i}: '{endpoints[i].Address}' is not IP:PORT.");
            }

            if (endpoints[i].Identity is { Role: not IdentityRole.Workload } other)
            {
                throw new MeshException(MeshError.InvalidRequest, $"Endpoint {i}: {other} is not a workload.");
            }
        }
    }

    // The platform reads '10.1' as 10.0.0.1, and an address with a scope means nothing on another machine.
    private static string Address(string text)
    {
        if (!IPAddress.TryParse(text, out var address)
            || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != text)
            || (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0))
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"'{text}' is not an IP address. It stands without a port: that is the one of the service's name.");
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || address.Equals(IPAddress.Broadcast) || address.IsIPv6Multicast
            || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] is >= 224 and < 240)
            ? throw new MeshException(MeshError.InvalidRequest, $"'{text}' is not the address of one host or service.")
            : address.ToString();
    }
}
