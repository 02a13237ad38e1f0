using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Services;

namespace Mesh.Grains.Services;

/// <summary>Persisted by <see cref="ServiceGrain"/>.</summary>
[GenerateSerializer, Immutable, Alias("mesh.service-state")]
internal sealed record ServiceState
{
    [Id(0)]
    public long Version { get; init; }

    [Id(1)]
    public ImmutableArray<ServiceEndpoint> Endpoints { get; init; } = [];

    [Id(2)]
    public ImmutableArray<string> Addresses { get; init; } = [];
}
