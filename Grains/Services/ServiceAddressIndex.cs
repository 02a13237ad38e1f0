using System.Collections.Immutable;
using System.Net;
using Mesh.Grains.Interfaces.Services;

namespace Mesh.Grains.Services;

/// <summary>
/// Which services an address is said to belong to. A claim here is where to look, no more: the service itself says whether it holds, so
/// one that was never made good does no harm.
/// </summary>
internal sealed class ServiceAddressIndex
{
    private readonly Dictionary<AddressKey, ImmutableArray<AddressClaim>> _claims = [];
    private readonly Dictionary<string, ImmutableArray<AddressKey>> _keys = [];

    /// <summary>Addresses in all.</summary>
    public int Count => _claims.Count;

    /// <summary>What a service claims with a definition: its own addresses, and those of its endpoints.</summary>
    public static IEnumerable<(AddressKey Key, AddressClaim Claim)> ClaimsOf(string service, ServiceDefinition definition) => definition.Addresses
        .Select(address => (AddressKey.Of(IPAddress.Parse(address), ServiceName.PortOf(service)), new AddressClaim(service, IsVirtual: true)))
        .Concat(definition.Endpoints.Select(endpoint => (AddressKey.Parse(endpoint.Address), new AddressClaim(service, IsVirtual: false))));

    /// <summary>Whether a service says that an address is its own.</summary>
    public static bool IsAddressOf(ServiceSnapshot service, AddressKey key) =>
        ServiceName.PortOf(service.Name) == key.Port && service.Addresses.Any(address => AddressKey.Of(IPAddress.Parse(address), key.Port) == key);

    /// <summary>The endpoint of a service with an address; null where it has none.</summary>
    public static ServiceEndpoint? EndpointOf(ServiceSnapshot service, AddressKey key)
    {
        // Most are written as the platform writes them.
        var text = key.ToString();
        return service.Endpoints.FirstOrDefault(endpoint => endpoint.Address == text)
            ?? service.Endpoints.FirstOrDefault(endpoint => AddressKey.Parse(endpoint.Address) == key);
    }

    public ImmutableArray<AddressClaim> Find(AddressKey key) => _claims.GetValueOrDefault(key, []);

    /// <summary>Adds to what a service claims.</summary>
    public void Add(string service, IEnumerable<(AddressKey Key, AddressClaim Claim)> claims)
    {
        var keys = _keys.GetValueOrDefault(service, []).ToHashSet();
        foreach (var (key, claim) in claims)
        {
            keys.Add(key);
            var before = Find(key);
            if (!before.Contains(claim))
            {
                _claims[key] = before.Add(claim);
            }
        }

        _keys[service] = [.. keys];
    }

    /// <summary>Replaces what a service claims by what it holds.</summary>
    public void Put(ServiceSnapshot service)
    {
        foreach (var key in _keys.GetValueOrDefault(service.Name, []))
        {
            var others = Find(key).RemoveAll(claim => claim.Service == service.Name);
            if (others.IsEmpty)
            {
                _claims.Remove(key);
            }
            else
            {
                _claims[key] = others;
            }
        }

        _keys.Remove(service.Name);
        if (service.Addresses.Length + service.Endpoints.Length > 0)
        {
            Add(service.Name, ClaimsOf(service.Name, new ServiceDefinition(service.Endpoints, service.Addresses)));
        }
    }
}

/// <summary>A service that an address may belong to.</summary>
/// <param name="IsVirtual">As an address of the service itself, which it shares with nobody; else as one of an endpoint.</param>
internal readonly record struct AddressClaim(string Service, bool IsVirtual);
