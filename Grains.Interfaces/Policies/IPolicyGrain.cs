using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Policies;

/// <summary>The policies of one namespace. Key: the namespace.</summary>
[Alias("mesh.policy"), GrainInterfaceType("mesh.policy")]
public interface IPolicyGrain : IGrainWithStringKey
{
    /// <summary>Sets the default policy of one workload.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: not a service account's name.
    /// <see cref="MeshError.LimitReached"/>: more than 10,000 workloads in the namespace.</exception>
    [Alias("set-default")]
    Task<PolicySnapshot> SetDefaultAsync(string serviceAccount, DefaultPolicyMode mode);

    /// <summary>Sets the default policies of several workloads in one change: all of them or none.</summary>
    /// <param name="modes">By service account.</param>
    /// <exception cref="MeshException">As <see cref="SetDefaultAsync"/>.</exception>
    [Alias("set-defaults")]
    Task<PolicySnapshot> SetDefaultsAsync(ImmutableDictionary<string, DefaultPolicyMode> modes);

    /// <summary>Whether <see cref="SetDefaultsAsync"/> would take these; changes nothing.</summary>
    /// <exception cref="MeshException">As <see cref="SetDefaultAsync"/>.</exception>
    [Alias("check-defaults"), AlwaysInterleave]
    Task CheckDefaultsAsync(ImmutableDictionary<string, DefaultPolicyMode> modes);

    /// <summary>Sets the ports on which one workload's proxy does not look at what is spoken.</summary>
    /// <param name="serviceAccount">The workload.</param>
    /// <param name="ports">At most 64 ranges, in any order; null: the proxy's own list.</param>
    /// <exception cref="MeshException">As <see cref="SetDefaultAsync"/>; <see cref="MeshError.InvalidRequest"/> for a range too.</exception>
    [Alias("set-opaque-ports")]
    Task<PolicySnapshot> SetOpaquePortsAsync(string serviceAccount, ImmutableArray<PortRange>? ports);

    /// <summary>What is in force.</summary>
    [Alias("get"), AlwaysInterleave]
    Task<PolicySnapshot> GetAsync();
}

/// <summary>What ProxyHosts may ask of a namespace's policies. Key: the namespace.</summary>
[Alias("mesh.policy-feed"), GrainInterfaceType("mesh.policy-feed")]
public interface IPolicyFeed : IGrainWithStringKey
{
    /// <summary>Answers as soon as the version differs from the caller's, else with null after 10 seconds.</summary>
    [Alias("poll"), AlwaysInterleave, ResponseTimeout("00:00:20")]
    Task<PolicySnapshot?> PollAsync(long knownVersion, CancellationToken cancellationToken);
}

/// <summary>Linkerd's default modes. Numbers are wire format: append only.</summary>
public enum DefaultPolicyMode
{
    /// <summary>Nobody.</summary>
    Deny = 1,

    /// <summary>Meshed clients of the same trust domain.</summary>
    ClusterAuthenticated = 2,

    /// <summary>Meshed clients of any trust domain that the bundle holds.</summary>
    AllAuthenticated = 3,

    /// <summary>Everybody, in plaintext too.</summary>
    AllUnauthenticated = 4,
}

/// <summary>The committed policies of a namespace.</summary>
/// <param name="Version">Grows with every change; 1 is a namespace where nothing was ever set.</param>
/// <param name="Defaults">By service account.</param>
[GenerateSerializer, Immutable, Alias("mesh.policy-snapshot")]
public sealed record PolicySnapshot(
    [property: Id(0)] long Version,
    [property: Id(1)] ImmutableDictionary<string, DefaultPolicyMode> Defaults)
{
    /// <summary>The opaque ports that were set, by service account; sorted, without overlaps.</summary>
    [Id(2)]
    public ImmutableDictionary<string, ImmutableArray<PortRange>> OpaquePorts
    {
        // Null from a silo that knows no such thing.
        get => field ?? ImmutableDictionary<string, ImmutableArray<PortRange>>.Empty;
        init;
    } = ImmutableDictionary<string, ImmutableArray<PortRange>>.Empty;

    /// <summary>The opaque ports of one workload; null: the proxy's own list.</summary>
    public ImmutableArray<PortRange>? OpaquePortsOf(string serviceAccount) =>
        OpaquePorts.TryGetValue(serviceAccount, out var ports) ? ports : null;

    /// <summary>The mode for one workload: cluster-authenticated unless something else was set.</summary>
    public DefaultPolicyMode ModeOf(string serviceAccount) =>
        Defaults.GetValueOrDefault(serviceAccount, DefaultPolicyMode.ClusterAuthenticated);
}

/// <summary>TCP ports, 1 to 65535, the last one included.</summary>
[GenerateSerializer, Immutable, Alias("mesh.port-range")]
public readonly record struct PortRange([property: Id(0)] int First, [property: Id(1)] int Last);
