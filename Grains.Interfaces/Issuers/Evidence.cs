namespace Mesh.Grains.Interfaces.Issuers;

/// <summary>Why a certificate should be signed. It travels with the CSR to the signer, which checks it by itself.</summary>
[GenerateSerializer, Immutable, Alias("mesh.evidence")]
public abstract record Evidence;

/// <summary>A join or re-enrollment token, good once.</summary>
/// <param name="Token">Compact JWS.</param>
[GenerateSerializer, Immutable, Alias("mesh.token-evidence")]
public sealed record TokenEvidence([property: Id(0)] string Token) : Evidence
{
    /// <summary>Without the token, which must not reach a log.</summary>
    public override string ToString() => nameof(TokenEvidence);
}

/// <summary>The key last issued to the instance has signed the CSR.</summary>
/// <param name="Leaf">The certificate of that key, DER; may have expired.</param>
/// <param name="Proof">ECDSA with SHA-256 over the CSR, IEEE P1363.</param>
[GenerateSerializer, Immutable, Alias("mesh.renewal-evidence")]
public sealed record RenewalEvidence(
    [property: Id(0)] ReadOnlyMemory<byte> Leaf,
    [property: Id(1)] ReadOnlyMemory<byte> Proof) : Evidence;

/// <summary>A JWT of an OIDC issuer that the silos know: it says who shows it, and is good until it ends.</summary>
/// <param name="Token">Compact JWS, at most 8 KiB.</param>
[GenerateSerializer, Immutable, Alias("mesh.jwt-evidence")]
public sealed record JwtEvidence([property: Id(0)] string Token) : Evidence
{
    /// <summary>Without the token, which must not reach a log.</summary>
    public override string ToString() => nameof(JwtEvidence);
}
