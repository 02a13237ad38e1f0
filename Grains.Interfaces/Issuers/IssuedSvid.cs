using System.Collections.Immutable;

namespace Mesh.Grains.Interfaces.Issuers;

/// <summary>An X.509-SVID that is on record.</summary>
/// <param name="Chain">DER, leaf first, then the issuer.</param>
/// <param name="NotAfter">The leaf's expiry.</param>
/// <param name="InstanceId">Drawn by the silo; 32 hex digits, the CN of the leaf's subject.</param>
/// <param name="ReenrollmentToken">Good for one enrollment after a restart; null in answer to a renewal.</param>
/// <param name="SignedBundle">The bundle that the chain verifies under.</param>
[GenerateSerializer, Immutable, Alias("mesh.issued-svid")]
public sealed record IssuedSvid(
    [property: Id(0)] ImmutableArray<ReadOnlyMemory<byte>> Chain,
    [property: Id(1)] DateTimeOffset NotAfter,
    [property: Id(2)] string InstanceId,
    [property: Id(3)] string? ReenrollmentToken,
    [property: Id(4)] string SignedBundle)
{
    /// <summary>Without the token, which must not reach a log.</summary>
    public override string ToString() => $"X.509-SVID of instance {InstanceId}, good until {NotAfter:O}";
}
