using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.Certificates;

/// <summary>What the silo asks an anchor for whose key is elsewhere: a PKCS #10 request with every extension that is wanted.</summary>
/// <remarks>The extensions are a proposal; whoever signs may write his own, and what comes back is judged anew.</remarks>
internal static class AuthorityCsr
{
    private const string NameConstraintsOid = "2.5.29.30";

    /// <summary>A request in DER, signed by the key itself.</summary>
    public static byte[] Create(TrustDomainName trustDomain, KeyUse use, ECDsa key)
    {
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName($"{trustDomain.Name} {use.Word()} {KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo()).ToString()[..16]}");
        name.AddOrganizationName(CertificateFactory.Organization);
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        var isIssuer = use.IssuerPurpose() is not null;
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isIssuer, isIssuer, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            isIssuer ? X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign : X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(SvidAlternativeName.Create(trustDomain.Id));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (isIssuer && CertificateFactory.ConstraintsOf(trustDomain) is { } constraints)
        {
            request.CertificateExtensions.Add(new X509Extension(NameConstraintsOid, constraints.GetDerEncoded(), critical: true));
        }

        return request.CreateSigningRequest();
    }
}
