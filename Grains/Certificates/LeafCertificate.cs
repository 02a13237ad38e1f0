using System.Formats.Asn1;
using System.Security.Cryptography;
using Mesh.Spiffe;

namespace Mesh.Grains.Certificates;

/// <summary>Writes and signs an X.509-SVID: one URI SAN, one DNS SAN, the instance in the subject (X509-SVID §2, RFC 5280 §4.1).</summary>
/// <remarks>
/// Byte by byte, and not with BouncyCastle as authorities are: leaves are made by the thousand in a second, and a key that was
/// read from a request and found good need not be decoded and looked at again.
/// </remarks>
internal static class LeafCertificate
{
    private const string CommonName = "2.5.4.3";
    private const int KeyIdentifierBytes = 160 / 8;
    private const int SerialNumberBytes = 17;

    // No CA, in DER: a sequence without the default. Then digitalSignature; then serverAuth and clientAuth.
    private static readonly byte[] NoAuthority = [0x30, 0x00];
    private static readonly byte[] DigitalSignature = [0x03, 0x02, 0x07, 0x80];
    private static readonly byte[] BothSides =
        [0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

    private static readonly Asn1Tag Version = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 3, isConstructed: true);
    private static readonly DateTimeOffset FirstGeneralizedTime = new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="subjectPublicKeyInfo">DER, from a request that was checked.</param>
    public static byte[] Create(SpiffeId id, string instanceId, ReadOnlySpan<byte> subjectPublicKeyInfo, Signer issuer, Validity validity)
    {
        var isP384 = issuer.Key.KeySize == 384;
        var algorithm = isP384 ? Oids.EcdsaWithSha384 : Oids.EcdsaWithSha256;
        var writer = new AsnWriter(AsnEncodingRules.DER, 1024);
        WriteToBeSigned(writer, algorithm, id, instanceId, subjectPublicKeyInfo, issuer, validity);
        var toBeSigned = writer.Encode();
        var signature = issuer.Key.SignData(
            toBeSigned, isP384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        writer.Reset();
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(toBeSigned);
            WriteAlgorithm(writer, algorithm);
            writer.WriteBitString(signature);
        }

        return writer.Encode();
    }

    private static void WriteToBeSigned(
        AsnWriter writer, string algorithm, SpiffeId id, string instanceId, ReadOnlySpan<byte> subjectPublicKeyInfo, Signer issuer, Validity validity)
    {
        using var certificate = writer.PushSequence();
        using (writer.PushSequence(Version))
        {
            // v3
            writer.WriteInteger(2);
        }

        WriteSerialNumber(writer);
        WriteAlgorithm(writer, algorithm);
        writer.WriteEncodedValue(issuer.SubjectDer.Span);
        using (writer.PushSequence())
        {
            WriteTime(writer, validity.NotBefore);
            WriteTime(writer, validity.NotAfter);
        }

        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(CommonName);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, instanceId);
        }

        writer.WriteEncodedValue(subjectPublicKeyInfo);
        using (writer.PushSequence(Extensions))
        using (writer.PushSequence())
        {
            WriteKeyIdentifier(writer, subjectPublicKeyInfo);
            WriteExtension(writer, Oids.BasicConstraints, critical: true, NoAuthority);
            WriteExtension(writer, Oids.KeyUsage, critical: true, DigitalSignature);
            WriteExtension(writer, Oids.ExtendedKeyUsage, critical: false, BothSides);
            WriteExtension(writer, Oids.SubjectAlternativeName, critical: false, SvidAlternativeName.Create(id, id.DnsName).RawData);
            WriteExtension(writer, Oids.AuthorityKeyIdentifier, critical: false, issuer.AuthorityKeyIdentifierDer.Span);
        }
    }

    // 128 random bits; the byte on top keeps it positive and of one length (RFC 5280 §4.1.2.2).
    private static void WriteSerialNumber(AsnWriter writer)
    {
        Span<byte> serial = stackalloc byte[SerialNumberBytes];
        RandomNumberGenerator.Fill(serial);
        serial[0] = 1;
        writer.WriteInteger(serial);
    }

    // The first 160 bits of the SHA-256 of the key, without its algorithm (RFC 7093 §2).
    private static void WriteKeyIdentifier(AsnWriter writer, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(KeyBits(subjectPublicKeyInfo), hash);
        Span<byte> value = stackalloc byte[2 + KeyIdentifierBytes];
        (value[0], value[1]) = (0x04, KeyIdentifierBytes);
        hash[..KeyIdentifierBytes].CopyTo(value[2..]);
        WriteExtension(writer, Oids.SubjectKeyIdentifier, critical: false, value);
    }

    private static ReadOnlySpan<byte> KeyBits(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        AsnDecoder.ReadSequence(subjectPublicKeyInfo, AsnEncodingRules.DER, out var from, out var length, out _);
        var fields = subjectPublicKeyInfo.Slice(from, length);
        AsnDecoder.ReadSequence(fields, AsnEncodingRules.DER, out _, out _, out var algorithm);
        return AsnDecoder.TryReadPrimitiveBitString(fields[algorithm..], AsnEncodingRules.DER, out _, out var bits, out _)
            ? bits
            : throw new ArgumentException("The key is no bit string.", nameof(subjectPublicKeyInfo));
    }

    private static void WriteExtension(AsnWriter writer, string oid, bool critical, ReadOnlySpan<byte> value)
    {
        using var extension = writer.PushSequence();
        writer.WriteObjectIdentifier(oid);
        if (critical)
        {
            writer.WriteBoolean(true);
        }

        writer.WriteOctetString(value);
    }

    private static void WriteAlgorithm(AsnWriter writer, string oid)
    {
        using var identifier = writer.PushSequence();
        writer.WriteObjectIdentifier(oid);
    }

    // RFC 5280 §4.1.2.5: until 2049 with two digits for the year.
    private static void WriteTime(AsnWriter writer, DateTimeOffset time)
    {
        if (time < FirstGeneralizedTime)
        {
            writer.WriteUtcTime(time);
        }
        else
        {
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
        }
    }
}
