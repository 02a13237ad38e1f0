using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe;

/// <summary>Makes the certificate request that a proxy sends; the private key stays where it is.</summary>
public static class CertificateRequestBuilder
{
    /// <summary>PKCS #10 in DER, signed with <paramref name="key"/>: an empty subject and exactly one URI SAN.</summary>
    public static byte[] CreateCsr(SpiffeId id, ECDsa key)
    {
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(SvidAlternativeName.Create(id, critical: true));
        return request.CreateSigningRequest();
    }
}
