using Mesh.Grains.Certificates;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>An anchor's public part.</summary>
/// <param name="Since">When it came to its stage.</param>
/// <param name="SinceSequence">The first bundle that has it in its stage; who holds that one, or a later one, knows.</param>
/// <param name="WasStandby">A rotation has taken it from the standby's place, to which it goes back when that is aborted.</param>
/// <param name="IsOffline">Its key is not in this mesh's key store: whatever it certifies is requested, and installed.</param>
[GenerateSerializer, Immutable, Alias("mesh.anchor-record")]
internal sealed record AnchorRecord(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] ReadOnlyMemory<byte> Certificate,
    [property: Id(2)] AnchorStage Stage,
    [property: Id(3)] DateTimeOffset NotBefore,
    [property: Id(4)] DateTimeOffset NotAfter,
    [property: Id(5)] DateTimeOffset Since,
    [property: Id(6)] long SinceSequence,
    [property: Id(7)] bool IsOffline = false,
    [property: Id(8)] bool WasStandby = false);

/// <summary>An issuer's public part.</summary>
/// <param name="Anchor">The anchor that certified it.</param>
/// <param name="Since">When it came to its stage.</param>
/// <param name="LeavesUntil">When the last leaf under it has ended; known once it signs no more.</param>
[GenerateSerializer, Immutable, Alias("mesh.issuer-record")]
internal sealed record IssuerRecord(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] ReadOnlyMemory<byte> Certificate,
    [property: Id(2)] AuthorityPurpose Purpose,
    [property: Id(3)] IssuerStage Stage,
    [property: Id(4)] DateTimeOffset NotBefore,
    [property: Id(5)] DateTimeOffset NotAfter,
    [property: Id(6)] KeyHash Anchor,
    [property: Id(7)] DateTimeOffset Since,
    [property: Id(8)] DateTimeOffset LeavesUntil);

/// <summary>Where an issuer stands in its life. Numbers are stored: append only.</summary>
internal enum IssuerStage
{
    /// <summary>Has a key and a certificate, signs nothing yet.</summary>
    Prepared = 1,

    /// <summary>Signs.</summary>
    Active = 2,

    /// <summary>Signs no more; leaves of it are still good.</summary>
    Retiring = 3,
}

/// <summary>The key that signs bundles, certified by an anchor.</summary>
/// <param name="Anchor">The anchor that certified it; join tokens that name another anchor do not lead to its bundles.</param>
/// <param name="NotBefore">When its certificate begins; not known of one from before keys could be certified elsewhere.</param>
/// <param name="NotAfter">When its certificate ends; likewise, and then it is when its anchor ends.</param>
[GenerateSerializer, Immutable, Alias("mesh.bundle-signer-record")]
internal sealed record BundleSignerRecord(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] ReadOnlyMemory<byte> Certificate,
    [property: Id(2)] KeyHash Anchor,
    [property: Id(3)] DateTimeOffset? NotBefore = null,
    [property: Id(4)] DateTimeOffset? NotAfter = null);

/// <summary>A key that waits for its certificate, since the key of the anchor that shall sign it is elsewhere.</summary>
/// <param name="Use">What the key is for; stored by its number.</param>
/// <param name="Anchor">The anchor that shall sign.</param>
/// <param name="Csr">PKCS #10, DER, with the extensions that are wanted.</param>
/// <param name="Since">When it was made.</param>
[GenerateSerializer, Immutable, Alias("mesh.authority-request-record")]
internal sealed record AuthorityRequestRecord(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] KeyUse Use,
    [property: Id(2)] KeyHash Anchor,
    [property: Id(3)] ReadOnlyMemory<byte> Csr,
    [property: Id(4)] DateTimeOffset Since);

/// <summary>A key that signs join tokens.</summary>
[GenerateSerializer, Immutable, Alias("mesh.token-key-record")]
internal sealed record TokenKeyRecord(
    [property: Id(0)] string KeyId,
    [property: Id(1)] KeyHash KeyHash,
    [property: Id(2)] ReadOnlyMemory<byte> SubjectPublicKeyInfo);

/// <summary>A key that is void.</summary>
[GenerateSerializer, Immutable, Alias("mesh.revocation-record")]
internal sealed record RevocationRecord(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] DateTimeOffset RevokedAt,
    [property: Id(2)] DateTimeOffset AuthorityNotAfter,
    [property: Id(3)] string Reason);

/// <summary>An identity whose leaves from before an instant are void, also after the ban is lifted.</summary>
/// <param name="IssuedBefore"><see cref="Never"/> while the ban stands; when it was lifted, afterwards.</param>
/// <param name="Reason">As the operator gave it; null in records from before there were reasons.</param>
/// <param name="BannedAt">When the ban was pronounced.</param>
[GenerateSerializer, Immutable, Alias("mesh.ban-record")]
internal sealed record BanRecord(
    [property: Id(0)] SpiffeId Id,
    [property: Id(1)] DateTimeOffset IssuedBefore,
    [property: Id(2)] string? Reason,
    [property: Id(3)] DateTimeOffset BannedAt)
{
    public bool Stands => IssuedBefore == Never;

    /// <summary>The cut-off of a ban that stands. The year 9999, in whole seconds, since bundles count in those.</summary>
    public static readonly DateTimeOffset Never = new(9999, 12, 31, 0, 0, 0, TimeSpan.Zero);
}

/// <summary>The last good bundle of another trust domain.</summary>
[GenerateSerializer, Immutable, Alias("mesh.federated-record")]
internal sealed record FederatedRecord(
    [property: Id(0)] string TrustDomain,
    [property: Id(1)] ReadOnlyMemory<byte> Jwks);
