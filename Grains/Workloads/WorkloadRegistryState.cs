using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Workloads;

namespace Mesh.Grains.Workloads;

/// <summary>
/// Persisted by <see cref="WorkloadRegistryGrain"/>. Immutable and clock-free. Append new members; never reuse an id.
/// </summary>
[GenerateSerializer, Immutable, Alias("mesh.workload-registry-state")]
internal sealed record WorkloadRegistryState
{
    [Id(0)]
    public ImmutableArray<RegisteredWorkload> Workloads { get; init; } = [];

    /// <summary>Policies that were committed with the workloads, and that the policy grains have yet to be told.</summary>
    [Id(1)]
    public ImmutableArray<PendingPolicy> Pending { get; init; } = [];
}

/// <summary>A default policy that is to be set.</summary>
/// <param name="ForgetsOpaquePorts">And the opaque ports that were set are to be forgotten.</param>
[GenerateSerializer, Immutable, Alias("mesh.pending-policy")]
internal sealed record PendingPolicy(
    [property: Id(0)] string Namespace,
    [property: Id(1)] string ServiceAccount,
    [property: Id(2)] DefaultPolicyMode Mode,
    [property: Id(3)] bool ForgetsOpaquePorts = false);
