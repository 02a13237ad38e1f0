using System.Security.Cryptography;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.X509;

namespace Mesh.Grains.Certificates;

/// <summary>An authority's certificate and private key, ready to sign others. Does not own the key.</summary>
internal sealed class Signer
{
    private readonly X509Certificate _certificate;

    public Signer(ReadOnlyMemory<byte> certificateDer, ECDsa key)
    {
        CertificateDer = certificateDer;
        Key = key;
        _certificate = new X509Certificate(certificateDer.ToArray());
    }

    public ReadOnlyMemory<byte> CertificateDer { get; }

    public ECDsa Key { get; }

    public X509Name Subject => _certificate.SubjectDN;

    public AsymmetricKeyParameter PublicKey => _certificate.GetPublicKey();

    public DateTimeOffset NotAfter => new(_certificate.NotAfter.ToUniversalTime());
}
