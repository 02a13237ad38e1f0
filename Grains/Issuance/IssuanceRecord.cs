using Mesh.Spiffe;

namespace Mesh.Grains.Issuance;

/// <summary>One certificate that was issued. Never changed once stored.</summary>
/// <param name="Issuer">Hash of the issuer's key.</param>
/// <param name="Index">Counts up within issuer and shard.</param>
/// <param name="InstanceId">The instance that holds it.</param>
/// <param name="Generation">1 for the first certificate of an instance, then one more each time.</param>
/// <param name="CsrHash">SHA-256 of the request, hex: a repeat of it is given the same answer.</param>
/// <param name="PreviousLeafHash">SHA-256 of the leaf that this one replaced, hex; empty for the first.</param>
/// <param name="Leaf">DER.</param>
[GenerateSerializer, Immutable, Alias("mesh.issuance-record")]
internal sealed record IssuanceRecord(
    [property: Id(0)] KeyHash Issuer,
    [property: Id(1)] int Shard,
    [property: Id(2)] long Index,
    [property: Id(3)] SpiffeId Id,
    [property: Id(4)] string InstanceId,
    [property: Id(5)] long Generation,
    [property: Id(6)] string CsrHash,
    [property: Id(7)] string PreviousLeafHash,
    [property: Id(8)] ReadOnlyMemory<byte> Leaf,
    [property: Id(9)] ReadOnlyMemory<byte> IssuerCertificate,
    [property: Id(10)] DateTimeOffset NotAfter);
