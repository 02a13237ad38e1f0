using System.Collections.Immutable;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Workloads;

namespace Mesh.Grains.Workloads;

/// <inheritdoc cref="IWorkloadRegistryGrain"/>
[GrainType("workload-registry")]
internal sealed class WorkloadRegistryGrain(
    [PersistentState("workload-registry")] IPersistentState<WorkloadRegistryState> stored, TimeProvider clock) : Grain, IWorkloadRegistryGrain
{
    private ImmutableSortedDictionary<string, RegisteredWorkload> _committed = Empty;

    private static ImmutableSortedDictionary<string, RegisteredWorkload> Empty =>
        ImmutableSortedDictionary.Create<string, RegisteredWorkload>(StringComparer.Ordinal);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _committed = Empty.AddRange(stored.State.Workloads.Select(workload => KeyValuePair.Create(workload.Name, workload)));
        if (stored.State.Pending.Length > 0)
        {
            // A silo went down between two writes, or a policy's store did not answer.
            this.RegisterGrainTimer(_ => SetPendingAsync(), new GrainTimerCreationOptions(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        }

        return Task.CompletedTask;
    }

    public async Task<ImmutableArray<RegistrationOutcome>> RegisterAsync(ImmutableArray<WorkloadRegistration> workloads)
    {
        RegistrationPlan.Check(workloads);
        await SetPendingAsync();
        var plan = RegistrationPlan.Of(_committed, await PoliciesAsync(workloads), workloads, clock.GetUtcNow());
        if (plan.ChangesNothing)
        {
            return plan.Outcomes;
        }

        foreach (var ns in plan.Policies.GroupBy(policy => policy.Namespace))
        {
            await PolicyOf(ns.Key).CheckDefaultsAsync(Modes(ns));
        }

        await this.CommitAsync(stored, new WorkloadRegistryState { Workloads = [.. plan.Workloads.Values], Pending = plan.Policies });
        _committed = plan.Workloads;
        await SetPendingAsync();
        return plan.Outcomes;
    }

    public async Task<bool> UnregisterAsync(string ns, string serviceAccount)
    {
        await SetPendingAsync();
        var next = _committed.Remove($"{ns}/{serviceAccount}");
        if (next == _committed)
        {
            return false;
        }

        // Whoever bears the name next starts from the default.
        var inForce = await PolicyOf(ns).GetAsync();
        var hasOpaquePorts = inForce.OpaquePorts.ContainsKey(serviceAccount);
        ImmutableArray<PendingPolicy> policies = inForce.Defaults.ContainsKey(serviceAccount) || hasOpaquePorts
            ? [new PendingPolicy(ns, serviceAccount, DefaultPolicyMode.ClusterAuthenticated, hasOpaquePorts)]
            : [];
        await this.CommitAsync(stored, new WorkloadRegistryState { Workloads = [.. next.Values], Pending = policies });
        _committed = next;
        await SetPendingAsync();
        return true;
    }

    public Task<ImmutableArray<RegisteredWorkload>> ListAsync(string ns, string after, int count) => Task.FromResult(_committed
        .Where(pair => (ns.Length == 0 || pair.Value.Namespace == ns) && string.CompareOrdinal(pair.Key, after) > 0)
        .Take(count)
        .Select(pair => pair.Value)
        .ToImmutableArray());

    public Task<RegisteredWorkload?> FindAsync(string ns, string serviceAccount) =>
        Task.FromResult(_committed.GetValueOrDefault($"{ns}/{serviceAccount}"));

    // Setting a policy again is harmless, so what is not known to be set is set again.
    private async Task SetPendingAsync()
    {
        if (stored.State.Pending.Length == 0)
        {
            return;
        }

        MeshException? refusal = null;
        foreach (var ns in stored.State.Pending.GroupBy(policy => policy.Namespace))
        {
            try
            {
                await PolicyOf(ns.Key).SetDefaultsAsync(Modes(ns));
                foreach (var forgotten in ns.Where(policy => policy.ForgetsOpaquePorts))
                {
                    await PolicyOf(ns.Key).SetOpaquePortsAsync(forgotten.ServiceAccount, null);
                }
            }
            catch (MeshException full) when (full.Error == MeshError.LimitReached)
            {
                // Policies of others have filled the namespace since it was checked. Trying again would not help.
                refusal = full;
            }
        }

        await this.CommitAsync(stored, stored.State with { Pending = [] });
        if (refusal is not null)
        {
            throw refusal;
        }
    }

    private async Task<Dictionary<string, PolicySnapshot>> PoliciesAsync(ImmutableArray<WorkloadRegistration> workloads)
    {
        var policies = new Dictionary<string, PolicySnapshot>();
        foreach (var ns in workloads.Where(workload => workload.DefaultPolicy is not null).Select(workload => workload.Namespace).Distinct())
        {
            policies[ns] = await PolicyOf(ns).GetAsync();
        }

        return policies;
    }

    private IPolicyGrain PolicyOf(string ns) => GrainFactory.GetGrain<IPolicyGrain>(ns);

    private static ImmutableDictionary<string, DefaultPolicyMode> Modes(IEnumerable<PendingPolicy> policies) =>
        policies.ToImmutableDictionary(policy => policy.ServiceAccount, policy => policy.Mode);
}
