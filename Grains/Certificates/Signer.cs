using System.Security.Cryptography;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.X509;
using Org.BouncyCastle.X509.Extension;

namespace Mesh.Grains.Certificates;

/// <summary>An authority's certificate and private key, ready to sign others. Does not own the key.</summary>
/// <remarks>What every certificate under it repeats is encoded once.</remarks>
internal sealed class Signer
{
    public Signer(ReadOnlyMemory<byte> certificateDer, ECDsa key)
    {
        CertificateDer = certificateDer;
        Key = key;
        var certificate = new X509Certificate(certificateDer.ToArray());
        Subject = certificate.SubjectDN;
        SubjectDer = Subject.GetDerEncoded();
        AuthorityKeyIdentifier = X509ExtensionUtilities.CreateAuthorityKeyIdentifier(certificate.GetPublicKey());
        AuthorityKeyIdentifierDer = AuthorityKeyIdentifier.GetDerEncoded();
        NotAfter = new(certificate.NotAfter.ToUniversalTime());
    }

    public ReadOnlyMemory<byte> CertificateDer { get; }

    public ECDsa Key { get; }

    public X509Name Subject { get; }

    /// <summary>The same as a DER Name.</summary>
    public ReadOnlyMemory<byte> SubjectDer { get; }

    /// <summary>The extension's value in certificates under this one (RFC 5280 §4.2.1.1).</summary>
    public AuthorityKeyIdentifier AuthorityKeyIdentifier { get; }

    /// <summary>The same in DER.</summary>
    public ReadOnlyMemory<byte> AuthorityKeyIdentifierDer { get; }

    public DateTimeOffset NotAfter { get; }
}
