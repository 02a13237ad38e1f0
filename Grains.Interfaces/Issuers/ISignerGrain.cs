using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.Issuers;

/// <summary>Verifies the evidence and signs X.509-SVIDs, on every core of its silo. Key: TRUST-DOMAIN/PURPOSE.</summary>
[Alias("mesh.signer"), GrainInterfaceType("mesh.signer")]
public interface ISignerGrain : IGrainWithStringKey
{
    /// <summary>Signs a leaf for the identity that the evidence proves.</summary>
    /// <param name="request">The CSR and its evidence.</param>
    /// <param name="cancellationToken">Stops waiting; a certificate may still have been signed and recorded.</param>
    /// <exception cref="MeshException">
    /// <see cref="MeshError.InvalidRequest"/>: the CSR. <see cref="MeshError.TokenRejected"/>, <see cref="MeshError.SupersededKey"/>,
    /// <see cref="MeshError.Revoked"/>: the evidence. <see cref="MeshError.Stale"/>: this silo is behind the caller's epoch.
    /// <see cref="MeshError.NotReady"/>: no active issuer, or the store does not answer; nothing was issued.
    /// </exception>
    [Alias("sign")]
    Task<IssuedSvid> SignAsync(SignRequest request, CancellationToken cancellationToken);
}

/// <summary>What to sign, and why.</summary>
/// <param name="Id">The identity asked for; the evidence must prove it.</param>
/// <param name="Csr">PKCS #10, DER, at most 16 KiB.</param>
/// <param name="Evidence">Checked by the signer itself.</param>
/// <param name="Epoch">The trust epoch that the requester knows; 0 is none.</param>
[GenerateSerializer, Immutable, Alias("mesh.sign-request")]
public sealed record SignRequest(
    [property: Id(0)] SpiffeId Id,
    [property: Id(1)] ReadOnlyMemory<byte> Csr,
    [property: Id(2)] Evidence Evidence,
    [property: Id(3)] long Epoch);
