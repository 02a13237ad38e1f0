using System.Collections.Immutable;
using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.TrustDomains;

/// <summary>A trust domain as an operator sees it; public parts alone.</summary>
[GenerateSerializer, Immutable, Alias("mesh.trust-domain-status")]
public sealed record TrustDomainStatus(
    [property: Id(0)] string Name,
    [property: Id(1)] long Sequence,
    [property: Id(2)] long Epoch,
    [property: Id(3)] ImmutableArray<AuthorityStatus> Anchors,
    [property: Id(4)] ImmutableArray<AuthorityStatus> Issuers,
    [property: Id(5)] ImmutableArray<RevocationStatus> Revocations,
    [property: Id(6)] string SignedBundle,
    [property: Id(7)] ImmutableArray<AuthorityRequestStatus> Requests);

/// <summary>A key that waits for a certificate, since the anchor's key is elsewhere.</summary>
/// <param name="KeyHash">SHA-256 of its SubjectPublicKeyInfo.</param>
/// <param name="Purpose">workload, control-plane or bundle.</param>
/// <param name="Anchor">The anchor that shall sign.</param>
/// <param name="Since">When it was made.</param>
/// <param name="Csr">PKCS #10, DER.</param>
/// <param name="IsOverdue">The key in use, if there is one, has lived the share after which its successor is due.</param>
[GenerateSerializer, Immutable, Alias("mesh.authority-request-status")]
public sealed record AuthorityRequestStatus(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] string Purpose,
    [property: Id(2)] KeyHash Anchor,
    [property: Id(3)] DateTimeOffset Since,
    [property: Id(4)] ReadOnlyMemory<byte> Csr,
    [property: Id(5)] bool IsOverdue);

/// <summary>One authority.</summary>
/// <param name="KeyHash">SHA-256 of its SubjectPublicKeyInfo.</param>
/// <param name="Purpose">anchor, workload or control-plane.</param>
/// <param name="Stage">prepared, active, standby or retiring.</param>
/// <param name="Certificate">DER.</param>
/// <param name="Since">When it came to its stage.</param>
/// <param name="SinceSequence">Of an anchor: the first bundle that has it in its stage.</param>
/// <param name="Anchor">Of an issuer: the anchor that certified it.</param>
/// <param name="LeavesUntil">Of a retiring issuer: when the last leaf under it has ended.</param>
/// <param name="IsOffline">Of an anchor: its key is not in this mesh's key store.</param>
[GenerateSerializer, Immutable, Alias("mesh.authority-status")]
public sealed record AuthorityStatus(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] string Purpose,
    [property: Id(2)] string Stage,
    [property: Id(3)] DateTimeOffset NotBefore,
    [property: Id(4)] DateTimeOffset NotAfter,
    [property: Id(5)] ReadOnlyMemory<byte> Certificate,
    [property: Id(6)] DateTimeOffset Since,
    [property: Id(7)] long SinceSequence,
    [property: Id(8)] KeyHash? Anchor,
    [property: Id(9)] DateTimeOffset? LeavesUntil,
    [property: Id(10)] bool IsOffline);

/// <summary>One revoked key.</summary>
[GenerateSerializer, Immutable, Alias("mesh.revocation-status")]
public sealed record RevocationStatus(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] DateTimeOffset RevokedAt,
    [property: Id(2)] string Reason);

/// <summary>A signed join token. The text is a secret until it is redeemed.</summary>
[GenerateSerializer, Immutable, Alias("mesh.issued-join-token")]
public sealed record IssuedJoinToken(
    [property: Id(0)] string Text,
    [property: Id(1)] SpiffeId Subject,
    [property: Id(2)] DateTimeOffset ExpiresAt)
{
    /// <summary>Without the token, which must not reach a log.</summary>
    public override string ToString() => $"join token for {Subject}, good until {ExpiresAt:O}";
}
