using System.Collections.Immutable;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Grains.Issuance;
using Mesh.Grains.Issuers;
using Mesh.Grains.Services;
using Mesh.Spiffe;

namespace Mesh.Grains.Workloads;

/// <inheritdoc cref="IWorkloadGrain"/>
/// <remarks>Holds no more than who was heard of when; the instances themselves are read from the issuance record.</remarks>
[GrainType("workload")]
internal sealed class WorkloadGrain(IIssuanceStore store, TimeProvider clock) : Grain, IWorkloadGrain
{
    /// <summary>Instances of one workload that are listed at the most.</summary>
    private const int MaxInstances = 10_000;

    private readonly Dictionary<string, Sighting> _sightings = [];

    private SpiffeId Id => SpiffeId.Parse(this.GetPrimaryKeyString());

    public Task<IssuedSvid> EnrollAsync(
        ReadOnlyMemory<byte> csr, TokenEvidence evidence, string proxyHost, CancellationToken cancellationToken) =>
        SignAsync(new SignRequest(Id, csr, evidence, 0), proxyHost, cancellationToken);

    public Task<IssuedSvid> CertifyAsync(
        ReadOnlyMemory<byte> csr, RenewalEvidence evidence, long epoch, string proxyHost, CancellationToken cancellationToken) =>
        SignAsync(new SignRequest(Id, csr, evidence, epoch), proxyHost, cancellationToken);

    public Task<ServiceSnapshot> ResolveAsync(string service)
    {
        ServiceName.Check(service);
        return GrainFactory.GetGrain<IServiceGrain>(service).GetAsync();
    }

    public async Task ReportAsync(InstanceReport report)
    {
        Saw(report.InstanceId, report.ProxyHost);
        if (report.Edges.Length > 0)
        {
            await GrainFactory.GetGrain<ITrafficGrain>(Id.Namespace!).ReportAsync(Id, report.InstanceId, report.Edges);
        }
    }

    public async Task<ImmutableArray<WorkloadInstance>> GetInstancesAsync()
    {
        var live = await store.ListLiveAsync(Id, clock.GetUtcNow(), MaxInstances, CancellationToken.None);
        ForgetAllBut(live);
        return [.. live.Select(record =>
        {
            var sighting = _sightings.GetValueOrDefault(record.InstanceId);
            return new WorkloadInstance(
                record.InstanceId, [record.Leaf, record.IssuerCertificate], sighting?.ProxyHost, sighting?.At);
        })];
    }

    private async Task<IssuedSvid> SignAsync(SignRequest request, string proxyHost, CancellationToken cancellationToken)
    {
        if (Id.Role != IdentityRole.Workload)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{Id} is not a workload.");
        }

        var signer = GrainFactory.GetGrain<ISignerGrain>(IssuerKey.Of(Id.TrustDomain.Name, AuthorityPurpose.Workload));
        var issued = await signer.SignAsync(request, cancellationToken);
        Saw(issued.InstanceId, proxyHost);
        return issued;
    }

    private void Saw(string instanceId, string proxyHost)
    {
        if (_sightings.Count < MaxInstances || _sightings.ContainsKey(instanceId))
        {
            _sightings[instanceId] = new Sighting(proxyHost, clock.GetUtcNow());
        }
    }

    private void ForgetAllBut(IReadOnlyList<IssuanceRecord> live)
    {
        var alive = live.Select(record => record.InstanceId).ToHashSet();
        foreach (var gone in _sightings.Keys.Where(instance => !alive.Contains(instance)).ToList())
        {
            _sightings.Remove(gone);
        }
    }

    private sealed record Sighting(string ProxyHost, DateTimeOffset At);
}
