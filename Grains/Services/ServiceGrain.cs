using System.Collections.Immutable;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Services;
using Microsoft.Extensions.Hosting;

namespace Mesh.Grains.Services;

/// <inheritdoc cref="IServiceGrain"/>
[GrainType("service")]
internal sealed class ServiceGrain(
    [PersistentState("service")] IPersistentState<ServiceState> stored,
    TimeProvider clock,
    IHostApplicationLifetime host) : Grain, IServiceGrain, IServiceFeed
{
    private readonly CommittedValue<ServiceSnapshot> _committed = new(service => service.Version, host.ApplicationStopping);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        ServiceName.Check(this.GetPrimaryKeyString());
        _committed.Publish(Snapshot(stored.State));
        return Task.CompletedTask;
    }

    public Task<ServiceSnapshot> GetAsync() => Task.FromResult(_committed.Current!);

    public Task<ServiceSnapshot?> PollAsync(long knownVersion, CancellationToken cancellationToken) =>
        _committed.PollAsync(knownVersion, cancellationToken);

    public Task<ServiceSnapshot> SetAsync(ImmutableArray<ServiceEndpoint> endpoints) =>
        ReplaceAsync(new ServiceDefinition(endpoints, _committed.Current!.Addresses));

    public async Task<ServiceSnapshot> ReplaceAsync(ServiceDefinition definition)
    {
        var wanted = ServiceRules.Checked(definition);
        var current = _committed.Current!;
        if (current.Version > 0 && current.Endpoints.SequenceEqual(wanted.Endpoints) && current.Addresses.SequenceEqual(wanted.Addresses))
        {
            return current;
        }

        var next = new ServiceState { Version = Versions.After(current.Version, clock), Endpoints = wanted.Endpoints, Addresses = wanted.Addresses };
        await this.CommitAsync(stored, next);
        _committed.Publish(Snapshot(next));
        return _committed.Current!;
    }

    private ServiceSnapshot Snapshot(ServiceState state) =>
        new(this.GetPrimaryKeyString(), state.Version, state.Endpoints) { Addresses = state.Addresses };
}
