using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Spiffe;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Workloads;

/// <summary>What a proxy talks to, through its ProxyHost: everything about one workload identity. Key: the SPIFFE ID.</summary>
[Alias("mesh.workload"), GrainInterfaceType("mesh.workload")]
public interface IWorkloadGrain : IGrainWithStringKey
{
    /// <summary>A certificate for a new instance, on the strength of a token.</summary>
    /// <param name="csr">PKCS #10, DER, at most 16 KiB.</param>
    /// <param name="evidence">Checked by the signer.</param>
    /// <param name="proxyHost">The name of the ProxyHost that asks.</param>
    /// <param name="cancellationToken">Stops waiting; a repeat with the identical CSR gets the same answer.</param>
    /// <exception cref="MeshException">As <see cref="ISignerGrain.SignAsync"/>.</exception>
    [Alias("enroll"), AlwaysInterleave]
    Task<IssuedSvid> EnrollAsync(ReadOnlyMemory<byte> csr, TokenEvidence evidence, string proxyHost, CancellationToken cancellationToken);

    /// <summary>The endpoints of a service.</summary>
    /// <param name="service">NAME.NAMESPACE:PORT.</param>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: not a service's name.</exception>
    [Alias("resolve"), AlwaysInterleave]
    Task<ServiceSnapshot> ResolveAsync(string service);

    /// <summary>What one instance's proxy has seen since its last report. It may be lost.</summary>
    [Alias("report"), OneWay, AlwaysInterleave]
    Task ReportAsync(InstanceReport report);

    /// <summary>The instances that hold a certificate which has not expired.</summary>
    [Alias("get-instances"), AlwaysInterleave]
    Task<ImmutableArray<WorkloadInstance>> GetInstancesAsync();
}

/// <summary>A proxy's report.</summary>
/// <param name="InstanceId">From the caller's certificate.</param>
/// <param name="ProxyHost">The ProxyHost that it came through.</param>
/// <param name="Acknowledgement">The proxy's <see cref="BundleAcknowledgement"/>, a compact JWS; checked by the grain.</param>
/// <param name="Edges">At most 256.</param>
[GenerateSerializer, Immutable, Alias("mesh.instance-report")]
public sealed record InstanceReport(
    [property: Id(0)] string InstanceId,
    [property: Id(1)] string ProxyHost,
    [property: Id(2)] string Acknowledgement,
    [property: Id(3)] ImmutableArray<EdgeReport> Edges);

/// <summary>A live instance of a workload.</summary>
/// <param name="Chain">DER, leaf first, then the issuer.</param>
/// <param name="LastSeen">When it last asked or reported; null since this silo holds the grain.</param>
/// <param name="Held">The bundle that it last acknowledged; null likewise.</param>
[GenerateSerializer, Immutable, Alias("mesh.workload-instance")]
public sealed record WorkloadInstance(
    [property: Id(0)] string InstanceId,
    [property: Id(1)] ImmutableArray<ReadOnlyMemory<byte>> Chain,
    [property: Id(2)] string? ProxyHost,
    [property: Id(3)] DateTimeOffset? LastSeen,
    [property: Id(4)] BundleHeld? Held);

/// <summary>The bundle that an instance has proven to hold.</summary>
/// <param name="Sequence">The bundle's sequence.</param>
/// <param name="Digest">SHA-256 of its text, hex.</param>
/// <param name="InForceAt">Since when, by the proxy's clock.</param>
/// <param name="ConnectionsClosed">Connections that the proxy has ended since its start because a bundle had voided their peer.</param>
[GenerateSerializer, Immutable, Alias("mesh.bundle-held")]
public sealed record BundleHeld(
    [property: Id(0)] long Sequence,
    [property: Id(1)] string Digest,
    [property: Id(2)] DateTimeOffset InForceAt,
    [property: Id(3)] long ConnectionsClosed);
