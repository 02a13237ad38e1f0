using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Reads certificates as strict DER, bounded in size and number (RFC 5280 §4.1).</summary>
/// <remarks>It refuses what has no meaning in the standard; whether the meaning is acceptable, the rules decide.</remarks>
internal static class CertificateParser
{
    private const int MaxSerialBytes = 20;
    private const int LastUtcTimeYear = 2049;
    private static readonly Asn1Tag VersionTag = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3, isConstructed: true);

    /// <exception cref="FormatException">The chain is empty, too long, or has a certificate that can't be read.</exception>
    public static IReadOnlyList<ParsedCertificate> ParseChain(IReadOnlyList<ReadOnlyMemory<byte>> chainDer)
    {
        if (chainDer.Count is 0 or > SvidProfile.MaxChainLength)
        {
            throw new FormatException($"The chain has {chainDer.Count} certificates; 1 to {SvidProfile.MaxChainLength} are accepted.");
        }

        var chain = new ParsedCertificate[chainDer.Count];
        for (var i = 0; i < chain.Length; i++)
        {
            try
            {
                chain[i] = Parse(chainDer[i]);
            }
            catch (FormatException exception)
            {
                throw new FormatException($"Certificate {i + 1} of {chain.Length} in the chain can't be read. {exception.Message}", exception);
            }
        }

        return chain;
    }

    /// <summary>Reads one certificate; the bytes are copied, so that nobody changes them after they were checked.</summary>
    /// <exception cref="FormatException">Not one strictly encoded certificate; the message says why.</exception>
    public static ParsedCertificate Parse(ReadOnlyMemory<byte> der)
    {
        if (der.Length > SvidProfile.MaxCertificateBytes)
        {
            throw new FormatException($"The certificate has {der.Length} bytes; at most {SvidProfile.MaxCertificateBytes} are accepted.");
        }

        try
        {
            return ReadCertificate(der.ToArray());
        }
        catch (Exception exception) when (exception is AsnContentException or CryptographicException or OverflowException)
        {
            throw new FormatException($"The certificate is no valid DER: {exception.Message}", exception);
        }
    }

    private static ParsedCertificate ReadCertificate(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();

        var toBeSigned = certificate.PeekEncodedValue();
        var fields = certificate.ReadSequence();
        var outerAlgorithm = certificate.ReadEncodedValue();
        var signature = ReadWholeBytes(certificate, "signature");
        certificate.ThrowIfNotEmpty();

        var version = ReadVersion(fields);
        var serial = ReadSerialNumber(fields);
        var innerAlgorithm = fields.ReadEncodedValue();
        if (!innerAlgorithm.Span.SequenceEqual(outerAlgorithm.Span))
        {
            throw new FormatException("The signature algorithm inside the signed part differs from the one outside.");
        }

        var issuer = fields.PeekEncodedValue();
        if (DistinguishedName.ReadCommonName(fields, out _) == 0)
        {
            throw new FormatException("The issuer's name is empty.");
        }

        var (notBefore, notAfter) = ReadValidity(fields);
        var subject = fields.PeekEncodedValue();
        DistinguishedName.ReadCommonName(fields, out var commonName);
        var publicKey = fields.PeekEncodedValue();
        ReadPublicKey(fields);
        var extensions = ReadExtensions(fields, version);
        fields.ThrowIfNotEmpty();

        return new ParsedCertificate
        {
            Der = der,
            ToBeSigned = toBeSigned,
            Version = version,
            SerialNumber = serial,
            SignatureAlgorithm = outerAlgorithm,
            Signature = signature,
            Issuer = issuer,
            Subject = subject,
            SubjectCommonName = commonName,
            NotBefore = notBefore,
            NotAfter = notAfter,
            SubjectPublicKeyInfo = publicKey,
            KeyHash = KeyHash.OfPublicKey(publicKey.Span),
            Extensions = extensions,
        };
    }

    private static int ReadVersion(AsnReader fields)
    {
        if (!fields.PeekTag().HasSameClassAndValue(VersionTag))
        {
            return 1;
        }

        var wrapper = fields.ReadSequence(VersionTag);
        var version = wrapper.TryReadInt32(out var value) && value == 2
            ? 3
            : throw new FormatException("The certificate's version is neither 1 nor 3.");
        wrapper.ThrowIfNotEmpty();
        return version;
    }

    private static ReadOnlyMemory<byte> ReadSerialNumber(AsnReader fields)
    {
        var serial = fields.ReadIntegerBytes();
        if ((serial.Span[0] & 0x80) != 0)
        {
            throw new FormatException("The serial number is negative.");
        }

        return serial.Length <= MaxSerialBytes
            ? serial
            : throw new FormatException($"The serial number has {serial.Length} bytes; at most {MaxSerialBytes} are allowed.");
    }

    private static (DateTimeOffset NotBefore, DateTimeOffset NotAfter) ReadValidity(AsnReader fields)
    {
        var validity = fields.ReadSequence();
        var notBefore = ReadTime(validity);
        var notAfter = ReadTime(validity);
        validity.ThrowIfNotEmpty();
        return notBefore <= notAfter
            ? (notBefore, notAfter)
            : throw new FormatException($"The validity ends at {Describe.Time(notAfter)}, before it begins at {Describe.Time(notBefore)}.");
    }

    private static DateTimeOffset ReadTime(AsnReader validity)
    {
        if (validity.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime))
        {
            return validity.ReadUtcTime(LastUtcTimeYear);
        }

        var time = validity.ReadGeneralizedTime();
        return time.Year > LastUtcTimeYear && time.Ticks % TimeSpan.TicksPerSecond == 0
            ? time
            : throw new FormatException("A GeneralizedTime must be past 2049 and in whole seconds.");
    }

    private static void ReadPublicKey(AsnReader fields)
    {
        var publicKey = fields.ReadSequence();
        var algorithm = publicKey.ReadSequence();
        algorithm.ReadObjectIdentifier();
        ReadWholeBytes(publicKey, "public key");
        publicKey.ThrowIfNotEmpty();
    }

    private static CertificateExtensions ReadExtensions(AsnReader fields, int version)
    {
        if (!fields.HasData)
        {
            return CertificateExtensions.None;
        }

        if (version != 3 || !fields.PeekTag().HasSameClassAndValue(ExtensionsTag))
        {
            throw new FormatException("A field stands where only the extensions of a version 3 certificate may.");
        }

        var wrapper = fields.ReadSequence(ExtensionsTag);
        var extensions = ExtensionParser.Read(wrapper.ReadSequence());
        wrapper.ThrowIfNotEmpty();
        return extensions;
    }

    private static ReadOnlyMemory<byte> ReadWholeBytes(AsnReader reader, string what)
    {
        var bytes = reader.ReadBitString(out var unusedBits);
        return unusedBits == 0 ? bytes : throw new FormatException($"The {what} doesn't consist of whole bytes.");
    }
}
