using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Workloads;

/// <summary>The workloads that an operator has named, at most 10,000. Key: the trust domain's name.</summary>
/// <remarks>Nobody needs to be in here to get a certificate; a token is what that takes. Policies stay with <see cref="IPolicyGrain"/>.</remarks>
[Alias("mesh.workload-registry"), GrainInterfaceType("mesh.workload-registry")]
public interface IWorkloadRegistryGrain : IGrainWithStringKey
{
    /// <summary>Registers workloads and sets their default policies: all of them or, where one can't be, none.</summary>
    /// <param name="workloads">At most 1,000, each named once. What stands there already is left as it is.</param>
    /// <returns>What became of each, in their order.</returns>
    /// <remarks>
    /// The registrations and the policies yet to be set are committed in one write. Where a policy's own store fails after that, the
    /// call fails, and the next one or the grain's next activation sets it.
    /// </remarks>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: what is wrong, by name.
    /// <see cref="MeshError.LimitReached"/>: more workloads, or more policies in a namespace, than are kept.</exception>
    [Alias("register")]
    Task<ImmutableArray<RegistrationOutcome>> RegisterAsync(ImmutableArray<WorkloadRegistration> workloads);

    /// <summary>Forgets a workload: its registration, and a default policy that was set for it. False where it is not registered.</summary>
    /// <remarks>Both in one write, as at <see cref="RegisterAsync"/>. Certificates and bans are not touched.</remarks>
    [Alias("unregister")]
    Task<bool> UnregisterAsync(string ns, string serviceAccount);

    /// <summary>Up to a number of registered workloads, in the order of their names.</summary>
    /// <param name="ns">Of this namespace alone; empty: of every one.</param>
    /// <param name="after">The name, NAMESPACE/ACCOUNT, that the last page ended with; empty: from the start.</param>
    /// <param name="count">How many at the most.</param>
    [Alias("list"), AlwaysInterleave]
    Task<ImmutableArray<RegisteredWorkload>> ListAsync(string ns, string after, int count);

    /// <summary>One workload; null where it is not registered.</summary>
    [Alias("find"), AlwaysInterleave]
    Task<RegisteredWorkload?> FindAsync(string ns, string serviceAccount);
}

/// <summary>A workload to register.</summary>
/// <param name="DefaultPolicy">Null: whatever is in force.</param>
/// <param name="Description">One line of at most 256 characters; null: the one that it has, else none.</param>
[GenerateSerializer, Immutable, Alias("mesh.workload-registration")]
public sealed record WorkloadRegistration(
    [property: Id(0)] string Namespace,
    [property: Id(1)] string ServiceAccount,
    [property: Id(2)] DefaultPolicyMode? DefaultPolicy,
    [property: Id(3)] string? Description);

/// <summary>A workload that is registered.</summary>
[GenerateSerializer, Immutable, Alias("mesh.registered-workload")]
public sealed record RegisteredWorkload(
    [property: Id(0)] string Namespace,
    [property: Id(1)] string ServiceAccount,
    [property: Id(2)] string Description,
    [property: Id(3)] DateTimeOffset RegisteredAt)
{
    /// <summary>NAMESPACE/ACCOUNT.</summary>
    public string Name => $"{Namespace}/{ServiceAccount}";
}

/// <summary>What became of a registration. Numbers are wire format: append only.</summary>
public enum RegistrationOutcome
{
    /// <summary>It was new.</summary>
    Created = 1,

    /// <summary>Its description or its policy was another.</summary>
    Updated = 2,

    /// <summary>It was there as it is now.</summary>
    Unchanged = 3,
}
