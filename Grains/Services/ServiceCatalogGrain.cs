using System.Collections.Immutable;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Services;

namespace Mesh.Grains.Services;

/// <inheritdoc cref="IServiceCatalogGrain"/>
[GrainType("service-catalog")]
internal sealed class ServiceCatalogGrain(
    [PersistentState("service-catalog")] IPersistentState<ServiceCatalogState> stored) : Grain, IServiceCatalogGrain
{
    private const int MaxServices = 10_000;

    private ImmutableSortedSet<string> _committed = [];

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _committed = stored.State.Names.ToImmutableSortedSet(StringComparer.Ordinal);
        return Task.CompletedTask;
    }

    public Task<ImmutableArray<string>> ListAsync() => Task.FromResult(_committed.ToImmutableArray());

    public async Task AddAsync(string service)
    {
        ServiceName.Check(service);
        var next = _committed.Add(service);
        if (next == _committed)
        {
            return;
        }

        if (next.Count > MaxServices)
        {
            throw new MeshException(MeshError.LimitReached, $"A trust domain has at most {MaxServices} services.");
        }

        await this.CommitAsync(stored, new ServiceCatalogState { Names = [.. next] });
        _committed = next;
    }
}

/// <summary>Persisted by <see cref="ServiceCatalogGrain"/>.</summary>
[GenerateSerializer, Immutable, Alias("mesh.service-catalog-state")]
internal sealed record ServiceCatalogState
{
    [Id(0)]
    public ImmutableArray<string> Names { get; init; } = [];
}
