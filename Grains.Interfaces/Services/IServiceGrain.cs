using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Services;

/// <summary>
/// The endpoints of one service, the identities that answer there, and the addresses that mean the service. Key: NAME.NAMESPACE:PORT.
/// Commands go through <see cref="IServiceCatalogGrain"/>, which knows who else has an address.
/// </summary>
[Alias("mesh.service"), GrainInterfaceType("mesh.service")]
public interface IServiceGrain : IGrainWithStringKey
{
    /// <summary>Replaces the endpoints, and leaves the addresses as they are.</summary>
    /// <param name="endpoints">At most 1,000.</param>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: an endpoint, by its index.</exception>
    [Alias("set")]
    Task<ServiceSnapshot> SetAsync(ImmutableArray<ServiceEndpoint> endpoints);

    /// <summary>Replaces endpoints and addresses.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: an endpoint, by its index, or an address.
    /// <see cref="MeshError.LimitReached"/>: too many of either.</exception>
    [Alias("replace")]
    Task<ServiceSnapshot> ReplaceAsync(ServiceDefinition definition);

    /// <summary>What is in force; version 0 and no endpoints where the service is not known.</summary>
    [Alias("get"), AlwaysInterleave]
    Task<ServiceSnapshot> GetAsync();
}

/// <summary>What ProxyHosts may ask of a service. Key: NAME.NAMESPACE:PORT.</summary>
[Alias("mesh.service-feed"), GrainInterfaceType("mesh.service-feed")]
public interface IServiceFeed : IGrainWithStringKey
{
    /// <summary>Answers as soon as the version differs from the caller's, else with null after 10 seconds.</summary>
    [Alias("poll"), AlwaysInterleave, ResponseTimeout("00:00:20")]
    Task<ServiceSnapshot?> PollAsync(long knownVersion, CancellationToken cancellationToken);
}

/// <summary>The committed endpoints and addresses of a service.</summary>
[GenerateSerializer, Immutable, Alias("mesh.service-snapshot")]
public sealed record ServiceSnapshot(
    [property: Id(0)] string Name,
    [property: Id(1)] long Version,
    [property: Id(2)] ImmutableArray<ServiceEndpoint> Endpoints)
{
    /// <summary>IP addresses that mean the service, at the port of its name. None from a silo that knows no such thing.</summary>
    [Id(3)]
    public ImmutableArray<string> Addresses { get => field.IsDefault ? [] : field; init; } = [];
}

/// <summary>What an operator says of a service.</summary>
/// <param name="Endpoints">At most 1,000.</param>
/// <param name="Addresses">IP addresses without a port, at most 16. Whoever connects to one of them, at the port of the service's name, means the service.</param>
[GenerateSerializer, Immutable, Alias("mesh.service-definition")]
public sealed record ServiceDefinition(
    [property: Id(0)] ImmutableArray<ServiceEndpoint> Endpoints,
    [property: Id(1)] ImmutableArray<string> Addresses);

/// <summary>One endpoint.</summary>
/// <param name="Address">IP:PORT of the inbound proxy, or of the application where it is not meshed.</param>
/// <param name="Identity">Null where it is not meshed.</param>
[GenerateSerializer, Immutable, Alias("mesh.service-endpoint")]
public sealed record ServiceEndpoint([property: Id(0)] string Address, [property: Id(1)] SpiffeId? Identity);
