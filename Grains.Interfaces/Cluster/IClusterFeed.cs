using System.Collections.Immutable;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Cluster;

/// <summary>What ProxyHosts may ask of the cluster: where its silos are. Key: any; whichever silo is asked answers for itself.</summary>
[Alias("mesh.cluster-feed"), GrainInterfaceType("mesh.cluster-feed")]
public interface IClusterFeed : IGrainWithStringKey
{
    /// <summary>Answers as soon as the silos differ from those that the caller knows, else with null after 2 seconds.</summary>
    /// <param name="knownVersion">What the caller holds; 0 is nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("poll"), AlwaysInterleave, ResponseTimeout("00:00:04")]
    Task<ClusterSnapshot?> PollAsync(long knownVersion, CancellationToken cancellationToken);
}

/// <summary>The silos that are active, as one of them sees it. Two lists of the same silos are equal, whoever made them.</summary>
/// <param name="Version">Differs where the lists differ; never 0. It says nothing of which is newer.</param>
/// <param name="Gateways">Where Orleans clients connect, IP:PORT, sorted.</param>
/// <param name="EnrollmentAddresses">Where ProxyHosts enroll, https://HOST:PORT, sorted.</param>
[GenerateSerializer, Immutable, Alias("mesh.cluster-snapshot")]
public sealed record ClusterSnapshot(
    [property: Id(0)] long Version,
    [property: Id(1)] ImmutableArray<string> Gateways,
    [property: Id(2)] ImmutableArray<string> EnrollmentAddresses);
