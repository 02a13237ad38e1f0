using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Mesh.Spiffe;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;
using Org.BouncyCastle.X509.Extension;

namespace Mesh.Grains.Certificates;

/// <summary>Lays out and signs the certificates of a trust domain's authorities: anchors, issuers, bundle signers.</summary>
/// <remarks>
/// Profiles follow X509-SVID §§2–4. Each authority has a subject of its own, so that path building never has to guess.
/// Instants are rounded down to the second, which is all that a certificate can say.
/// </remarks>
internal static partial class CertificateFactory
{
    /// <summary>What every authority's subject names as its organisation.</summary>
    public const string Organization = "MeshOrleans";

    /// <summary>A self-signed anchor: P-384, <c>cA</c>, the trust domain's own SPIFFE ID.</summary>
    public static byte[] CreateAnchor(TrustDomainName trustDomain, ECDsa key, Validity validity)
    {
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var subject = AuthorityName(trustDomain, "anchor", publicKey);
        var certificate = Begin(subject, subject, publicKey, validity);
        AddAuthorityExtensions(certificate, trustDomain, pathLength: 1);
        return Sign(certificate, key);
    }

    /// <summary>
    /// An issuer of leaves: path length 0 and, where the trust domain is a DNS name, critical constraints to its own URIs and
    /// DNS names, so that no other implementation takes a foreign name from it either.
    /// </summary>
    public static byte[] CreateIssuer(TrustDomainName trustDomain, AuthorityPurpose purpose, ECDsa key, Signer anchor, Validity validity)
    {
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var certificate = Begin(
            AuthorityName(trustDomain, purpose.Word() + " issuer", publicKey), anchor.Subject, publicKey, validity);
        AddAuthorityExtensions(certificate, trustDomain, pathLength: 0);
        AddAuthorityKeyIdentifier(certificate, anchor);
        if (ConstraintsOf(trustDomain) is { } constraints)
        {
            certificate.AddExtension(X509Extensions.NameConstraints, critical: true, constraints);
        }

        return Sign(certificate, anchor.Key);
    }

    /// <summary>Keeps an issuer to its trust domain's URIs and DNS names; null where the trust domain's name is no DNS name.</summary>
    public static NameConstraints? ConstraintsOf(TrustDomainName trustDomain) => DnsName().IsMatch(trustDomain.Name)
        ? new NameConstraints(
            new GeneralSubtrees(
                new GeneralSubtree(new GeneralName(GeneralName.UniformResourceIdentifier, trustDomain.Name)),
                new GeneralSubtree(new GeneralName(GeneralName.DnsName, trustDomain.Name))),
            null)
        : null;

    /// <summary>The certificate of a bundle key, by the one profile that bundles are verified with.</summary>
    public static byte[] CreateBundleSigner(TrustDomainName trustDomain, ECDsa key, Signer anchor, Validity validity)
    {
        using var anchorCertificate = X509CertificateLoader.LoadCertificate(anchor.CertificateDer.Span);
        using var certificate = BundleKeyCertificate.CreateRequest(trustDomain, key, anchorCertificate).Create(
            anchorCertificate.SubjectName,
            X509SignatureGenerator.CreateForECDsa(anchor.Key),
            validity.NotBefore,
            validity.NotAfter,
            NewSerialNumber().ToByteArrayUnsigned());
        return certificate.RawData;
    }

    private static X509V3CertificateGenerator Begin(X509Name subject, X509Name issuer, byte[] publicKey, Validity validity)
    {
        var certificate = new X509V3CertificateGenerator();
        certificate.SetSerialNumber(NewSerialNumber());
        certificate.SetSubjectDN(subject);
        certificate.SetIssuerDN(issuer);
        certificate.SetNotBefore(validity.NotBefore.UtcDateTime);
        certificate.SetNotAfter(validity.NotAfter.UtcDateTime);
        certificate.SetPublicKey(PublicKeyFactory.CreateKey(publicKey));
        certificate.AddExtension(
            X509Extensions.SubjectKeyIdentifier, critical: false, X509ExtensionUtilities.CreateSubjectKeyIdentifier(PublicKeyFactory.CreateKey(publicKey)));
        return certificate;
    }

    // 128 random bits; the bit on top keeps it positive and of one length (RFC 5280 §4.1.2.2).
    private static BigInteger NewSerialNumber()
    {
        Span<byte> serial = stackalloc byte[17];
        RandomNumberGenerator.Fill(serial);
        serial[0] = 1;
        return new BigInteger(1, serial);
    }

    private static X509Name AuthorityName(TrustDomainName trustDomain, string use, ReadOnlySpan<byte> publicKey) =>
        new(
            [X509Name.O, X509Name.CN],
            [Organization, $"{trustDomain.Name} {use} {KeyHash.OfPublicKey(publicKey).ToString()[..16]}"]);

    private static void AddAuthorityExtensions(X509V3CertificateGenerator certificate, TrustDomainName trustDomain, int pathLength)
    {
        certificate.AddExtension(X509Extensions.BasicConstraints, critical: true, new BasicConstraints(pathLength));
        certificate.AddExtension(X509Extensions.KeyUsage, critical: true, new KeyUsage(KeyUsage.KeyCertSign | KeyUsage.CrlSign));
        AddNames(certificate, new GeneralName(GeneralName.UniformResourceIdentifier, trustDomain.Id.ToString()));
    }

    private static void AddNames(X509V3CertificateGenerator certificate, params GeneralName[] names) =>
        certificate.AddExtension(X509Extensions.SubjectAlternativeName, critical: false, new GeneralNames(names));

    private static void AddAuthorityKeyIdentifier(X509V3CertificateGenerator certificate, Signer issuer) =>
        certificate.AddExtension(
            X509Extensions.AuthorityKeyIdentifier, critical: false, issuer.AuthorityKeyIdentifier);

    private static byte[] Sign(X509V3CertificateGenerator certificate, ECDsa key) =>
        certificate.Generate(new EcdsaSignatureFactory(key)).GetEncoded();

    [GeneratedRegex(@"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex DnsName();
}
