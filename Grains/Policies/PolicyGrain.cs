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
        _committed.Publish(new PolicySnapshot(stored.State.Version, stored.State.Defaults));
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

        var next = new PolicyState { Version = Versions.After(current.Version, clock), Defaults = defaults };
        await this.CommitAsync(stored, next);
        _committed.Publish(new PolicySnapshot(next.Version, next.Defaults));
        return _committed.Current!;
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
            : throw new MeshException(MeshError.LimitReached, $"A namespace holds policies of at most {MaxWorkloads} workloads.");
    }

    private void Check(string serviceAccount, DefaultPolicyMode mode)
    {
        if (!SpiffeId.TryParse($"{AnyTrustDomain.Id}/ns/{this.GetPrimaryKeyString()}/sa/{serviceAccount}", out var id, out var error)
            || id.Role != IdentityRole.Workload)
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"'{this.GetPrimaryKeyString()}/{serviceAccount}' names no workload: {error ?? "write NAMESPACE/SERVICE-ACCOUNT"}.");
        }

        if (!Enum.IsDefined(mode))
        {
            throw new MeshException(MeshError.InvalidRequest, $"{(int)mode} is not a default policy.");
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
}
