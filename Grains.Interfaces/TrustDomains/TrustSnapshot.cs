namespace Mesh.Grains.Interfaces.TrustDomains;

/// <summary>A committed trust bundle.</summary>
/// <param name="Sequence">Grows with every change (SPIFFE Trust Domain and Bundle §4.1.2).</param>
/// <param name="Epoch">Grows with every change that a signer must know.</param>
/// <param name="SignedBundle">Compact JWS over the JWKS.</param>
[GenerateSerializer, Immutable, Alias("mesh.trust-snapshot")]
public sealed record TrustSnapshot(
    [property: Id(0)] long Sequence,
    [property: Id(1)] long Epoch,
    [property: Id(2)] string SignedBundle);
