using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;

namespace Mesh.Grains.Interfaces.Attestation;

/// <summary>
/// Enrolls workloads whose evidence a ProxyHost cannot check by itself. Key: trust domain, so that a stranger's words name no grain.
/// </summary>
[Alias("mesh.enrollment"), GrainInterfaceType("mesh.enrollment")]
public interface IEnrollmentGrain : IGrainWithStringKey
{
    /// <summary>A certificate for a new instance, on the strength of a JWT. It is for the identity that the CSR names.</summary>
    /// <param name="csr">PKCS #10, DER, at most 16 KiB.</param>
    /// <param name="evidence">Checked by the signer.</param>
    /// <param name="cancellationToken">Stops waiting; a repeat with the identical token and CSR gets the same answer.</param>
    /// <exception cref="MeshException">As <see cref="ISignerGrain.SignAsync"/>.</exception>
    [Alias("enroll-by-jwt")]
    Task<IssuedSvid> EnrollByJwtAsync(ReadOnlyMemory<byte> csr, JwtEvidence evidence, CancellationToken cancellationToken);
}
