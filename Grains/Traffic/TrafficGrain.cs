using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Spiffe;

namespace Mesh.Grains.Traffic;

/// <inheritdoc cref="ITrafficGrain"/>
/// <remarks>In memory alone: what is lost with a silo is a picture of the last minutes, which the next reports redraw.</remarks>
[GrainType("traffic")]
internal sealed class TrafficGrain(TimeProvider clock) : Grain, ITrafficGrain
{
    private readonly TrafficWindow _window = new();

    public Task ReportAsync(SpiffeId reporter, string instanceId, ImmutableArray<EdgeReport> edges)
    {
        var now = clock.GetUtcNow();
        foreach (var edge in edges)
        {
            _window.Add(reporter, instanceId, edge, now);
        }

        return Task.CompletedTask;
    }

    public Task<ImmutableArray<ObservedEdge>> GetEdgesAsync() => Task.FromResult(_window.Edges(clock.GetUtcNow()));
}
