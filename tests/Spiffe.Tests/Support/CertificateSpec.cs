using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>Everything a test may want to change in a certificate before it is signed.</summary>
internal sealed class CertificateSpec
{
    public int? EncodedVersion { get; set; } = 2;

    public byte[] Serial { get; set; } = [0x42, .. RandomNumberGenerator.GetBytes(15)];

    public string Subject { get; set; } = "";

    /// <summary>Null: the name of whoever issues it.</summary>
    public X500DistinguishedName? IssuerName { get; set; }

    public DateTimeOffset NotBefore { get; set; }

    public DateTimeOffset NotAfter { get; set; }

    public AsymmetricAlgorithm Key { get; set; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public HashAlgorithmName Hash { get; set; } = HashAlgorithmName.SHA256;

    public RSASignaturePadding RsaPadding { get; set; } = RSASignaturePadding.Pkcs1;

    /// <summary>URI names, in order.</summary>
    public List<string> Uris { get; } = [];

    public List<string> DnsNames { get; } = [];

    public bool AlternativeNamesCritical { get; set; }

    public X509BasicConstraintsExtension? BasicConstraints { get; set; } = new(false, false, 0, critical: true);

    public X509KeyUsageExtension? KeyUsage { get; set; } = new(X509KeyUsageFlags.DigitalSignature, critical: true);

    public List<string>? ExtendedKeyUsage { get; set; }

    public bool WithSubjectKeyIdentifier { get; set; } = true;

    public bool WithAuthorityKeyIdentifier { get; set; } = true;

    public byte[]? AuthorityKeyIdentifier { get; set; }

    public List<X509Extension> Extra { get; } = [];

    /// <summary>Named instead of the algorithm that really signs; null: the right one.</summary>
    public string? ClaimedAlgorithm { get; set; }

    /// <summary>Names another algorithm inside the signed part than outside.</summary>
    public bool MismatchAlgorithms { get; set; }

    public bool UseGeneralizedTime { get; set; }

    public IEnumerable<X509Extension> Extensions(byte[] authorityKeyIdentifier)
    {
        if (BasicConstraints is not null)
        {
            yield return BasicConstraints;
        }

        if (KeyUsage is not null)
        {
            yield return KeyUsage;
        }

        if (ExtendedKeyUsage is not null)
        {
            yield return new X509EnhancedKeyUsageExtension([.. ExtendedKeyUsage.Select(oid => new Oid(oid))], critical: false);
        }

        if (WithSubjectKeyIdentifier)
        {
            yield return new X509SubjectKeyIdentifierExtension(TestCertificate.KeyIdentifier(Key), critical: false);
        }

        if (WithAuthorityKeyIdentifier)
        {
            yield return X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(AuthorityKeyIdentifier ?? authorityKeyIdentifier);
        }

        if (Uris.Count + DnsNames.Count > 0)
        {
            yield return AlternativeNames();
        }

        foreach (var extension in Extra)
        {
            yield return extension;
        }
    }

    private X509Extension AlternativeNames()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            Uris.ForEach(uri => WriteName(writer, 6, uri));
            DnsNames.ForEach(name => WriteName(writer, 2, name));
        }

        return new X509Extension("2.5.29.17", writer.Encode(), AlternativeNamesCritical);
    }

    private static void WriteName(AsnWriter writer, int tag, string text) =>
        writer.WriteOctetString(System.Text.Encoding.UTF8.GetBytes(text), new Asn1Tag(TagClass.ContextSpecific, tag));
}
