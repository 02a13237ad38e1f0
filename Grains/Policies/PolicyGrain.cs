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

    public async Task<PolicySnapshot> SetDefaultAsync(string serviceAccount, DefaultPolicyMode mode)
    {
        var current = _committed.Current!;
        Check(serviceAccount, mode);
        if (current.Defaults.TryGetValue(serviceAccount, out var old) && old == mode)
        {
            return current;
        }

        var next = new PolicyState { Version = current.Version + 1, Defaults = current.Defaults.SetItem(serviceAccount, mode) };
        if (next.Defaults.Count > MaxWorkloads)
        {
            throw new MeshException(MeshError.LimitReached, $"A namespace holds policies of at most {MaxWorkloads} workloads.");
        }

        await this.CommitAsync(stored, next);
        _committed.Publish(new PolicySnapshot(next.Version, next.Defaults));
        return _committed.Current!;
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
