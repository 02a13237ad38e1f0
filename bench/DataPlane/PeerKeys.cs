using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Bench.DataPlane;

/// <summary>
/// Keys of the kinds that the mesh has, for proxies of others: an anchor on P-384, an issuer on P-256 below it, leaves on P-256 that name
/// a SPIFFE ID and a DNS name (docs/ARCHITECTURE.md).
/// </summary>
internal static class PeerKeys
{
    /// <summary>The file of the anchor, without its ending.</summary>
    public const string Anchor = "anchor";

    /// <summary>The outbound proxy's common name.</summary>
    public const string Front = "front.shop.bench";

    /// <summary>The inbound proxy's DNS name.</summary>
    public const string Back = "back.shop.bench";

    /// <summary>Writes <see cref="Anchor"/>, and <c>NAME.pem</c> with chain and key, for both proxies.</summary>
    public static void Write(string folder)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var anchorKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var anchor = Authority("anchor", anchorKey, HashAlgorithmName.SHA384, pathLength: 1)
            .CreateSelfSigned(now.AddMinutes(-1), now.AddDays(30));
        var request = Authority("issuer", issuerKey, HashAlgorithmName.SHA256, pathLength: 0);
        using var issuer = Sign(request, anchor, anchorKey, HashAlgorithmName.SHA384, 1);
        File.WriteAllText(Path.Combine(folder, $"{Anchor}.pem"), anchor.ExportCertificatePem());
        WriteLeaf(folder, Front, issuer, issuerKey, 2);
        WriteLeaf(folder, Back, issuer, issuerKey, 3);
    }

    private static void WriteLeaf(string folder, string name, X509Certificate2 issuer, ECDsa issuerKey, byte serial)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri($"spiffe://bench/ns/shop/sa/{name.Split('.')[0]}"));
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var leaf = Sign(request, issuer, issuerKey, HashAlgorithmName.SHA256, serial);
        var file = Path.Combine(folder, $"{name}.pem");
        File.WriteAllText(file, $"{leaf.ExportCertificatePem()}\n{issuer.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static CertificateRequest Authority(string name, ECDsa key, HashAlgorithmName hash, int pathLength)
    {
        var request = new CertificateRequest($"CN={name}", key, hash);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, pathLength, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 by, ECDsa key, HashAlgorithmName hash, byte serial)
    {
        // The hash belongs to the signer's key, and CertificateRequest would take that of its own.
        var generator = new HashedBy(X509SignatureGenerator.CreateForECDsa(key), hash);
        var now = TimeProvider.System.GetUtcNow();
        return request.Create(by.SubjectName, generator, now.AddMinutes(-1), now.AddDays(1), [serial]);
    }

    private sealed class HashedBy(X509SignatureGenerator generator, HashAlgorithmName hash) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => generator.GetSignatureAlgorithmIdentifier(hash);

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => generator.SignData(data, hash);

        protected override PublicKey BuildPublicKey() => generator.PublicKey;
    }
}
