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
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.Workloads;

/// <inheritdoc cref="IWorkloadGrain"/>
/// <remarks>Holds no more than who was heard of when; the instances themselves are read from the issuance record.</remarks>
[GrainType("workload")]
internal sealed partial class WorkloadGrain(IIssuanceStore store, TimeProvider clock, ILogger<WorkloadGrain> logger) : Grain, IWorkloadGrain
{
    /// <summary>Instances of one workload that are listed at the most.</summary>
    private const int MaxInstances = 10_000;

    private readonly Dictionary<string, Sighting> _sightings = [];

    private SpiffeId? _id;

    private SpiffeId Id => _id ??= SpiffeId.Parse(this.GetPrimaryKeyString());

    public async Task<IssuedSvid> EnrollAsync(
        ReadOnlyMemory<byte> csr, TokenEvidence evidence, string proxyHost, CancellationToken cancellationToken)
    {
        if (Id.Role != IdentityRole.Workload)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{Id} is not a workload.");
        }

        var signer = GrainFactory.GetGrain<ISignerGrain>(IssuerKey.Of(Id.TrustDomain.Name, AuthorityPurpose.Workload));
        var issued = await signer.SignAsync(new SignRequest(Id, csr, evidence, 0), cancellationToken);
        Saw(issued.InstanceId, proxyHost);
        return issued;
    }

    public Task<ServiceSnapshot> ResolveAsync(string service)
    {
        ServiceName.Check(service);
        return GrainFactory.GetGrain<IServiceGrain>(service).GetAsync();
    }

    public async Task ReportAsync(InstanceReport report)
    {
        Saw(report.InstanceId, report.ProxyHost);
        await AcknowledgeAsync(report.InstanceId, report.Acknowledgement);
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
                record.InstanceId, [record.Leaf, record.IssuerCertificate], sighting?.ProxyHost, sighting?.At, sighting?.Held);
        })];
    }

    private void Saw(string instanceId, string proxyHost)
    {
        if (_sightings.Count < MaxInstances || _sightings.ContainsKey(instanceId))
        {
            var before = _sightings.GetValueOrDefault(instanceId);
            _sightings[instanceId] = new Sighting(proxyHost, clock.GetUtcNow(), before?.Acknowledgement ?? "", before?.Held);
        }
    }

    // Signed with the key that the record names as the instance's newest: its word cannot be given by its ProxyHost. The same text
    // comes with every report, and is looked at once.
    private async Task AcknowledgeAsync(string instanceId, string acknowledgement)
    {
        if (acknowledgement.Length == 0 || _sightings.GetValueOrDefault(instanceId) is not { } sighting || sighting.Acknowledgement == acknowledgement)
        {
            return;
        }

        try
        {
            if (await store.FindLatestAsync(instanceId, CancellationToken.None) is not { } record || record.Id != Id)
            {
                throw new FormatException("No certificate of that instance is on record.");
            }

            var read = BundleAcknowledgement.Verify(acknowledgement, record.Leaf);
            var held = read.InstanceId == instanceId
                ? new BundleHeld(read.Sequence, read.Digest, read.InForceAt, read.ConnectionsClosed)
                : throw new FormatException($"It is the word of instance {read.InstanceId}.");
            _sightings[instanceId] = _sightings.GetValueOrDefault(instanceId, sighting) with { Acknowledgement = acknowledgement, Held = held };
        }
        catch (FormatException e)
        {
            // A proxy that renews at this very moment signs again with its new key.
            Log.NotAcknowledged(logger, Id, instanceId, e.Message);
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

    private sealed record Sighting(string ProxyHost, DateTimeOffset At, string Acknowledgement, BundleHeld? Held);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2401, Level = LogLevel.Information, Message = "An acknowledgement of {SpiffeId}, instance {InstanceId}, was left out: {Reason}")]
        public static partial void NotAcknowledged(ILogger logger, SpiffeId spiffeId, string instanceId, string reason);
    }
}
