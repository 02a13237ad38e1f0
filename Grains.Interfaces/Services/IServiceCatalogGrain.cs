using System.Collections.Immutable;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Services;

/// <summary>The names of all services, for listing. Key: the trust domain's name.</summary>
[Alias("mesh.service-catalog"), GrainInterfaceType("mesh.service-catalog")]
public interface IServiceCatalogGrain : IGrainWithStringKey
{
    /// <summary>Adds a name; nothing changes where it is there already.</summary>
    [Alias("add")]
    Task AddAsync(string service);

    /// <summary>Every name, sorted.</summary>
    [Alias("list"), AlwaysInterleave]
    Task<ImmutableArray<string>> ListAsync();
}
