using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>A certificate with its key. It is encoded here, byte for byte, so that a test can break any rule of the form.</summary>
internal sealed class TestCertificate
{
    private const string OtherAlgorithm = "1.2.840.10045.4.3.4";

    private TestCertificate(CertificateSpec spec, byte[] der)
    {
        Spec = spec;
        Der = der;
    }

    public CertificateSpec Spec { get; }

    public byte[] Der { get; }

    public ECDsa Key => (ECDsa)Spec.Key;

    public KeyHash KeyHash => KeyHash.OfPublicKey(Spec.Key.ExportSubjectPublicKeyInfo());

    public X509Certificate2 Load() => X509CertificateLoader.LoadCertificate(Der);

    /// <summary>A certificate that this one signs.</summary>
    public TestCertificate Issue(CertificateSpec spec) =>
        new(spec, Encode(spec, spec.IssuerName ?? new X500DistinguishedName(Spec.Subject), Spec.Key, KeyIdentifier(Spec.Key)));

    public static TestCertificate SelfSigned(CertificateSpec spec) =>
        new(spec, Encode(spec, spec.IssuerName ?? new X500DistinguishedName(spec.Subject), spec.Key, KeyIdentifier(spec.Key)));

    public static byte[] KeyIdentifier(AsymmetricAlgorithm key) => SHA256.HashData(key.ExportSubjectPublicKeyInfo())[..20];

    private static byte[] Encode(CertificateSpec spec, X500DistinguishedName issuer, AsymmetricAlgorithm issuerKey, byte[] issuerKeyIdentifier)
    {
        var generator = issuerKey switch
        {
            ECDsa ecdsa => X509SignatureGenerator.CreateForECDsa(ecdsa),
            RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, spec.RsaPadding),
            _ => throw new NotSupportedException(),
        };
        var algorithm = spec.ClaimedAlgorithm is { } claimed ? Identifier(claimed) : generator.GetSignatureAlgorithmIdentifier(spec.Hash);
        var toBeSigned = EncodeToBeSigned(spec, spec.MismatchAlgorithms ? Identifier(OtherAlgorithm) : algorithm, issuer, issuerKeyIdentifier);

        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(toBeSigned);
            writer.WriteEncodedValue(algorithm);
            writer.WriteBitString(generator.SignData(toBeSigned, spec.Hash));
        }

        return writer.Encode();
    }

    private static byte[] EncodeToBeSigned(CertificateSpec spec, byte[] algorithm, X500DistinguishedName issuer, byte[] issuerKeyIdentifier)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            if (spec.EncodedVersion is { } version)
            {
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                {
                    writer.WriteInteger(version);
                }
            }

            writer.WriteInteger(spec.Serial);
            writer.WriteEncodedValue(algorithm);
            writer.WriteEncodedValue(issuer.RawData);
            using (writer.PushSequence())
            {
                WriteTime(writer, spec.NotBefore, spec.UseGeneralizedTime);
                WriteTime(writer, spec.NotAfter, spec.UseGeneralizedTime);
            }

            writer.WriteEncodedValue(new X500DistinguishedName(spec.Subject).RawData);
            writer.WriteEncodedValue(spec.Key.ExportSubjectPublicKeyInfo());
            WriteExtensions(writer, [.. spec.Extensions(issuerKeyIdentifier)]);
        }

        return writer.Encode();
    }

    private static void WriteTime(AsnWriter writer, DateTimeOffset time, bool generalized)
    {
        if (generalized || time.Year > 2049)
        {
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
        }
        else
        {
            writer.WriteUtcTime(time);
        }
    }

    private static void WriteExtensions(AsnWriter writer, X509Extension[] extensions)
    {
        if (extensions.Length == 0)
        {
            return;
        }

        using var tagged = writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 3));
        using var list = writer.PushSequence();
        foreach (var extension in extensions)
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(extension.Oid!.Value!);
                if (extension.Critical)
                {
                    writer.WriteBoolean(true);
                }

                writer.WriteOctetString(extension.RawData);
            }
        }
    }

    private static byte[] Identifier(string oid)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
        }

        return writer.Encode();
    }
}
