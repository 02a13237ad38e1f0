using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Grains.Issuance;
using Mesh.Spiffe;

namespace Mesh.Grains.Ledger;

/// <summary>
/// Who holds which bundle: every workload instance with a certificate that has not ended, and what it has proven. Read from the
/// issuance record and the workloads' grains; it writes nothing.
/// </summary>
/// <remarks>A grain keeps in memory what was acknowledged; after a silo's restart proxies say it again within half a minute.</remarks>
internal sealed class TrustLedger(IGrainFactory grains, IIssuanceStore store, TimeProvider clock)
{
    /// <summary>Instances that are looked at, at the most.</summary>
    private const int MaxInstances = 10_000;

    // Grains that are asked at once.
    private const int AtOnce = 64;

    /// <summary>All live instances, in the order of their identities.</summary>
    public async Task<TrustLedgerView> ReadAsync(ITrustDomainGrain trustDomain, CancellationToken cancellationToken)
    {
        var live = await store.ListLiveAsync(null, clock.GetUtcNow(), MaxInstances + 1, cancellationToken);
        // The bundle after the instances: whoever enrolls meanwhile has it.
        var bundle = await trustDomain.GetBundleAsync();
        var held = new Dictionary<string, BundleHeld?>();
        foreach (var ids in live.Select(record => record.Id).Where(id => id.Role == IdentityRole.Workload).Distinct().Chunk(AtOnce))
        {
            foreach (var instances in await Task.WhenAll(ids.Select(id => grains.GetGrain<IWorkloadGrain>(id.ToString()).GetInstancesAsync())))
            {
                foreach (var instance in instances)
                {
                    held[instance.InstanceId] = instance.Held;
                }
            }
        }

        return new TrustLedgerView(
            bundle,
            live.Count > MaxInstances,
            BundleAcknowledgement.DigestOf(bundle.SignedBundle),
            [.. live.Where(record => record.Id.Role == IdentityRole.Workload)
                .OrderBy(record => record.Id.ToString(), StringComparer.Ordinal).ThenBy(record => record.InstanceId, StringComparer.Ordinal)
                .Select(record => new TrustLedgerEntry(record.Id, record.InstanceId, record.NotAfter, held.GetValueOrDefault(record.InstanceId)))]);
    }
}

/// <summary>The ledger at one moment.</summary>
/// <param name="Bundle">The bundle in force.</param>
/// <param name="IsCut">There are more instances than were looked at.</param>
/// <param name="Digest">SHA-256 of its text, hex.</param>
/// <param name="Entries">Every live instance.</param>
internal sealed record TrustLedgerView(TrustSnapshot Bundle, bool IsCut, string Digest, IReadOnlyList<TrustLedgerEntry> Entries)
{
    /// <summary>Whether an instance holds the bundle in force, its very text.</summary>
    public bool IsConverged(TrustLedgerEntry entry) => entry.Held is { } held && held.Sequence == Bundle.Sequence && held.Digest == Digest;

    /// <summary>Those that have not proven to hold a bundle or one that followed it.</summary>
    public IReadOnlyList<TrustLedgerEntry> Behind(long sequence) => [.. Entries.Where(entry => (entry.Held?.Sequence ?? 0) < sequence)];
}

/// <summary>One instance in the ledger.</summary>
/// <param name="NotAfter">When its newest certificate ends, and it leaves the ledger.</param>
/// <param name="Held">What it has acknowledged; null: nothing yet.</param>
internal sealed record TrustLedgerEntry(SpiffeId Id, string InstanceId, DateTimeOffset NotAfter, BundleHeld? Held);
