using System.Collections.Immutable;
using System.Net;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Services;
using Mesh.Spiffe;
using Microsoft.Extensions.Hosting;

namespace Mesh.Grains.Services;

/// <inheritdoc cref="IServiceGrain"/>
[GrainType("service")]
internal sealed class ServiceGrain(
    [PersistentState("service")] IPersistentState<ServiceState> stored,
    TimeProvider clock,
    IHostApplicationLifetime host) : Grain, IServiceGrain, IServiceFeed
{
    private const int MaxEndpoints = 1_000;

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

    public async Task<ServiceSnapshot> SetAsync(ImmutableArray<ServiceEndpoint> endpoints)
    {
        Check(endpoints);
        if (_committed.Current!.Version > 0 && _committed.Current.Endpoints.SequenceEqual(endpoints))
        {
            return _committed.Current;
        }

        var next = new ServiceState { Version = Versions.After(_committed.Current.Version, clock), Endpoints = endpoints };
        await this.CommitAsync(stored, next);
        _committed.Publish(Snapshot(next));
        return _committed.Current;
    }

    private ServiceSnapshot Snapshot(ServiceState state) => new(this.GetPrimaryKeyString(), state.Version, state.Endpoints);

    private static void Check(ImmutableArray<ServiceEndpoint> endpoints)
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
}
