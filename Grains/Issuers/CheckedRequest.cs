using System.Security.Cryptography;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Spiffe;

namespace Mesh.Grains.Issuers;

/// <summary>A request whose CSR was read and found to be one new key for the identity that it names. Nothing is proven yet.</summary>
/// <param name="PublicKey">DER SubjectPublicKeyInfo.</param>
/// <param name="CsrHash">SHA-256 of the CSR, hex.</param>
internal sealed record CheckedRequest(SignRequest Request, byte[] PublicKey, string CsrHash)
{
    public SpiffeId Id => Request.Id;

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: the CSR, or an identity that another issuer signs.</exception>
    public static CheckedRequest Of(SignRequest request, string trustDomain, AuthorityPurpose purpose)
    {
        var isMine = purpose == AuthorityPurpose.Workload ? request.Id.Role == IdentityRole.Workload : request.Id.Role == IdentityRole.ProxyHost;
        return request.Id.TrustDomain.Name == trustDomain && isMine
            ? new CheckedRequest(request, CsrReader.ReadPublicKey(request.Csr, request.Id), Convert.ToHexStringLower(SHA256.HashData(request.Csr.Span)))
            : throw new MeshException(MeshError.InvalidRequest, $"{request.Id} is not for the {purpose.Word()} issuer of {trustDomain} to sign.");
    }

    /// <summary>An authority's key, or one that was revoked, would void the leaf or worse: be worn as a mask.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Revoked"/> or <see cref="MeshError.InvalidRequest"/>.</exception>
    public void RefuseKnownKey(TrustBundle bundle)
    {
        var hash = KeyHash.OfPublicKey(PublicKey);
        if (bundle.Revocations.Any(revocation => revocation.KeyHash == hash))
        {
            throw new MeshException(MeshError.Revoked, $"The key {hash} was revoked and is never certified again.");
        }

        if (bundle.Anchors.Any(anchor => anchor.KeyHash == hash) || bundle.ControlPlaneIssuers.Contains(hash))
        {
            throw new MeshException(MeshError.InvalidRequest, $"The key {hash} belongs to an authority.");
        }
    }
}
