using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;

namespace Mesh.Grains.Workloads;

/// <summary>What a batch of registrations changes. A pure function of what is registered, what is in force, and the clock.</summary>
/// <param name="Workloads">All that are registered afterwards.</param>
/// <param name="Policies">Those that differ from what is in force.</param>
/// <param name="Outcomes">One for each registration, in their order.</param>
internal sealed record RegistrationPlan(
    ImmutableSortedDictionary<string, RegisteredWorkload> Workloads,
    ImmutableArray<PendingPolicy> Policies,
    ImmutableArray<RegistrationOutcome> Outcomes)
{
    public const int MaxWorkloads = 10_000;
    public const int MaxBatch = 1_000;
    public const int MaxDescriptionChars = 256;

    private static readonly TrustDomainName AnyTrustDomain = TrustDomainName.Parse("any");

    public bool ChangesNothing => Outcomes.All(outcome => outcome == RegistrationOutcome.Unchanged);

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming each mistake in a line of its own.</exception>
    public static void Check(ImmutableArray<WorkloadRegistration> batch)
    {
        if (batch.Length > MaxBatch)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{batch.Length} workloads came at once; at most {MaxBatch} are taken.");
        }

        var named = new HashSet<string>(StringComparer.Ordinal);
        var mistakes = batch.SelectMany(workload => Mistakes(workload, named)).ToList();
        if (mistakes.Count > 0)
        {
            throw new MeshException(MeshError.InvalidRequest, string.Join('\n', mistakes.Take(20)));
        }
    }

    /// <param name="registered">By name.</param>
    /// <param name="inForce">The policies of each namespace that the batch names.</param>
    /// <param name="batch">Checked.</param>
    /// <param name="now">When those that are new are registered.</param>
    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>.</exception>
    public static RegistrationPlan Of(
        ImmutableSortedDictionary<string, RegisteredWorkload> registered,
        IReadOnlyDictionary<string, PolicySnapshot> inForce,
        ImmutableArray<WorkloadRegistration> batch,
        DateTimeOffset now)
    {
        var workloads = registered.ToBuilder();
        var policies = ImmutableArray.CreateBuilder<PendingPolicy>();
        var outcomes = ImmutableArray.CreateBuilder<RegistrationOutcome>(batch.Length);
        foreach (var wanted in batch)
        {
            var name = $"{wanted.Namespace}/{wanted.ServiceAccount}";
            var old = registered.GetValueOrDefault(name);
            var next = new RegisteredWorkload(
                wanted.Namespace, wanted.ServiceAccount, wanted.Description ?? old?.Description ?? "", old?.RegisteredAt ?? now);
            var isOtherPolicy = wanted.DefaultPolicy is { } mode && inForce[wanted.Namespace].ModeOf(wanted.ServiceAccount) != mode;
            outcomes.Add(old is null ? RegistrationOutcome.Created
                : old == next && !isOtherPolicy ? RegistrationOutcome.Unchanged
                : RegistrationOutcome.Updated);
            workloads[name] = next;
            if (isOtherPolicy)
            {
                policies.Add(new PendingPolicy(wanted.Namespace, wanted.ServiceAccount, wanted.DefaultPolicy!.Value));
            }
        }

        return workloads.Count <= MaxWorkloads
            ? new RegistrationPlan(workloads.ToImmutable(), policies.ToImmutable(), outcomes.MoveToImmutable())
            : throw new MeshException(
                MeshError.LimitReached, $"A trust domain keeps at most {MaxWorkloads} registered workloads; {registered.Count} are there, and this would make {workloads.Count}.");
    }

    private static IEnumerable<string> Mistakes(WorkloadRegistration workload, HashSet<string> named)
    {
        var name = $"{workload.Namespace}/{workload.ServiceAccount}";
        if (!SpiffeId.TryParse($"{AnyTrustDomain.Id}/ns/{workload.Namespace}/sa/{workload.ServiceAccount}", out var id, out var error)
            || id.Role != IdentityRole.Workload)
        {
            yield return $"'{name}' names no workload: {error ?? "write NAMESPACE/SERVICE-ACCOUNT"}.";
        }
        else if (!named.Add(name))
        {
            yield return $"'{name}' is named twice.";
        }

        if (workload.DefaultPolicy is { } mode && !Enum.IsDefined(mode))
        {
            yield return $"'{name}': {(int)mode} is not a default policy.";
        }

        if (workload.Description is { } description && (description.Length > MaxDescriptionChars || description.Any(char.IsControl)))
        {
            yield return $"'{name}': a description is one line of at most {MaxDescriptionChars} characters; this one has {description.Length}.";
        }
    }
}
