using System.Collections.Immutable;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Spiffe;
using Microsoft.Extensions.Hosting;

namespace Mesh.Grains.Policies;

/// <inheritdoc cref="IPolicyGrain"/>
[GrainType("policy")]
internal sealed class PolicyGrain(
    [PersistentState("policy")] IPersistentState<PolicyState> stored,
    TimeProvider clock,
    IHostApplicationLifetime host) : Grain, IPolicyGrain, IPolicyFeed
{
    private const int MaxWorkloads = 10_000;

    private static readonly TrustDomainName AnyTrustDomain = TrustDomainName.Parse("any");

    private readonly CommittedValue<PolicySnapshot> _committed = new(policy => policy.Version, host.ApplicationStopping);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _committed.Publish(Snapshot(stored.State));
        return Task.CompletedTask;
    }

    public Task<PolicySnapshot> GetAsync() => Task.FromResult(_committed.Current!);

    public Task<PolicySnapshot?> PollAsync(long knownVersion, CancellationToken cancellationToken) =>
        _committed.PollAsync(knownVersion, cancellationToken);

    public Task<PolicySnapshot> SetDefaultAsync(string serviceAccount, DefaultPolicyMode mode) =>
        SetDefaultsAsync(ImmutableDictionary<string, DefaultPolicyMode>.Empty.Add(serviceAccount, mode));

    public async Task<PolicySnapshot> SetDefaultsAsync(ImmutableDictionary<string, DefaultPolicyMode> modes)
    {
        var current = _committed.Current!;
        var defaults = With(modes);
        if (ReferenceEquals(defaults, current.Defaults))
        {
            return current;
        }

        return await CommitAsync(new PolicyState { Defaults = defaults, OpaquePorts = current.OpaquePorts });
    }

    public async Task<PolicySnapshot> SetOpaquePortsAsync(string serviceAccount, ImmutableArray<PortRange>? ports)
    {
        CheckAccount(serviceAccount);
        var current = _committed.Current!;
        var opaque = current.OpaquePorts;
        if (ports is not { } wanted)
        {
            opaque = opaque.Remove(serviceAccount);
        }
        else if (PortRanges.Checked(wanted) is var ranges && !(opaque.TryGetValue(serviceAccount, out var old) && old.SequenceEqual(ranges)))
        {
            opaque = opaque.SetItem(serviceAccount, ranges);
        }

        if (opaque.Count > MaxWorkloads)
        {
            throw Full();
        }

        return ReferenceEquals(opaque, current.OpaquePorts)
            ? current
            : await CommitAsync(new PolicyState { Defaults = current.Defaults, OpaquePorts = opaque });
    }

    public Task CheckDefaultsAsync(ImmutableDictionary<string, DefaultPolicyMode> modes)
    {
        With(modes);
        return Task.CompletedTask;
    }

    // The defaults afterwards; the same object where nothing changes.
    private ImmutableDictionary<string, DefaultPolicyMode> With(ImmutableDictionary<string, DefaultPolicyMode> modes)
    {
        foreach (var (serviceAccount, mode) in modes)
        {
            Check(serviceAccount, mode);
        }

        var current = _committed.Current!.Defaults;
        var changed = modes.Where(pair => !current.TryGetValue(pair.Key, out var old) || old != pair.Value).ToList();
        var next = changed.Count == 0 ? current : current.SetItems(changed);
        return next.Count <= MaxWorkloads
            ? next
            : throw Full();
    }

    private async Task<PolicySnapshot> CommitAsync(PolicyState changed)
    {
        var next = changed with { Version = Versions.After(_committed.Current!.Version, clock) };
        await this.CommitAsync(stored, next);
        _committed.Publish(Snapshot(next));
        return _committed.Current!;
    }

    private static PolicySnapshot Snapshot(PolicyState state) => new(state.Version, state.Defaults) { OpaquePorts = state.OpaquePorts };

    private static MeshException Full() =>
        new(MeshError.LimitReached, $"A namespace holds policies of at most {MaxWorkloads} workloads.");

    private void Check(string serviceAccount, DefaultPolicyMode mode)
    {
        CheckAccount(serviceAccount);
        if (!Enum.IsDefined(mode))
        {
            throw new MeshException(MeshError.InvalidRequest, $"{(int)mode} is not a default policy.");
        }
    }

    private void CheckAccount(string serviceAccount)
    {
        if (!SpiffeId.TryParse($"{AnyTrustDomain.Id}/ns/{this.GetPrimaryKeyString()}/sa/{serviceAccount}", out var id, out var error)
            || id.Role != IdentityRole.Workload)
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"'{this.GetPrimaryKeyString()}/{serviceAccount}' names no workload: {error ?? "write NAMESPACE/SERVICE-ACCOUNT"}.");
        }
    }
}

/// <summary>Persisted by <see cref="PolicyGrain"/>.</summary>
[GenerateSerializer, Immutable, Alias("mesh.policy-state")]
internal sealed record PolicyState
{
    /// <summary>1 before anything was set, so that a proxy's 0 always differs.</summary>
    [Id(0)]
    public long Version { get; init; } = 1;

    [Id(1)]
    public ImmutableDictionary<string, DefaultPolicyMode> Defaults { get; init; } = ImmutableDictionary<string, DefaultPolicyMode>.Empty;

    [Id(2)]
    public ImmutableDictionary<string, ImmutableArray<PortRange>> OpaquePorts { get; init; } =
        ImmutableDictionary<string, ImmutableArray<PortRange>>.Empty;
}
