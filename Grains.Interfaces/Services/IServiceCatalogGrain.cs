using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Services;

/// <summary>The names of all services, and which address belongs to which. Key: the trust domain's name.</summary>
[Alias("mesh.service-catalog"), GrainInterfaceType("mesh.service-catalog")]
public interface IServiceCatalogGrain : IGrainWithStringKey
{
    /// <summary>Adds a name; nothing changes where it is there already.</summary>
    [Alias("add")]
    Task AddAsync(string service);

    /// <summary>Sets a service, and adds its name where it is new. One after the other, so that no two take an address at once.</summary>
    /// <remarks>The name is committed first, then the service. What crashes in between leaves a name without endpoints.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: the name, an endpoint by its index, an address.
    /// <see cref="MeshError.Conflict"/>: an address belongs to another service; the message names both.
    /// <see cref="MeshError.LimitReached"/>: 10,000 services, 1,000,000 addresses of services and endpoints in all.</exception>
    [Alias("set")]
    Task<ServiceSnapshot> SetAsync(string service, ServiceDefinition definition);

    /// <summary>Every name, sorted.</summary>
    [Alias("list"), AlwaysInterleave]
    Task<ImmutableArray<string>> ListAsync();
}

/// <summary>What ProxyHosts may ask of addresses. Key: the trust domain's name.</summary>
[Alias("mesh.address-feed"), GrainInterfaceType("mesh.address-feed")]
public interface IAddressFeed : IGrainWithStringKey
{
    /// <summary>What a connection to an address means: a service, one endpoint, or nothing that is known here.</summary>
    /// <param name="address">IP:PORT.</param>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: not an address.</exception>
    [Alias("resolve"), AlwaysInterleave]
    Task<ResolvedAddress> ResolveAsync(string address);
}

/// <summary>What an address is. Neither: it is not known.</summary>
/// <param name="Service">It is an address of this service.</param>
/// <param name="Endpoint">It is the address of this endpoint itself.</param>
[GenerateSerializer, Immutable, Alias("mesh.resolved-address")]
public sealed record ResolvedAddress(
    [property: Id(0)] ServiceSnapshot? Service,
    [property: Id(1)] ResolvedEndpoint? Endpoint);

/// <summary>An endpoint, and the service that names it; of several the one that was set last.</summary>
[GenerateSerializer, Immutable, Alias("mesh.resolved-endpoint")]
public sealed record ResolvedEndpoint([property: Id(0)] string Service, [property: Id(1)] ServiceEndpoint Endpoint);
