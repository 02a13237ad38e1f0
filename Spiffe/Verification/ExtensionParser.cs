using System.Formats.Asn1;

namespace Mesh.Spiffe;

/// <summary>Reads the extensions of a certificate, each kind once at most (RFC 5280 §4.2).</summary>
internal static class ExtensionParser
{
    private const int MaxExtensions = 32;
    private const int MaxNames = 1024;
    private const int MaxKeyIdentifierBytes = 64;

    public static CertificateExtensions Read(AsnReader list)
    {
        var result = new CertificateExtensions();
        var seen = new HashSet<string>();
        var unknownCritical = new List<string>();
        while (list.HasData)
        {
            var extension = list.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = ReadTrueOrAbsent(extension, "criticality");
            var content = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();
            if (!seen.Add(oid))
            {
                throw new FormatException($"The extension {oid} is there twice.");
            }

            if (seen.Count > MaxExtensions)
            {
                throw new FormatException($"The certificate has more than {MaxExtensions} extensions.");
            }

            result = ReadKnown(result, oid, critical, content) ?? result;
            if (critical && !IsKnown(oid))
            {
                unknownCritical.Add(oid);
            }
        }

        return seen.Count > 0
            ? result with { UnknownCritical = unknownCritical }
            : throw new FormatException("The list of extensions is empty.");
    }

    private static bool IsKnown(string oid) =>
        oid is Oids.BasicConstraints or Oids.KeyUsage or Oids.ExtendedKeyUsage or Oids.SubjectAlternativeName
            or Oids.NameConstraints or Oids.SubjectKeyIdentifier or Oids.AuthorityKeyIdentifier;

    private static CertificateExtensions? ReadKnown(CertificateExtensions known, string oid, bool critical, byte[] content)
    {
        var reader = new AsnReader(content, AsnEncodingRules.DER);
        var result = oid switch
        {
            Oids.BasicConstraints => known with { BasicConstraints = ReadBasicConstraints(reader, critical) },
            Oids.KeyUsage => known with { KeyUsage = ReadKeyUsage(reader, critical) },
            Oids.ExtendedKeyUsage => known with { ExtendedKeyUsage = ReadExtendedKeyUsage(reader) },
            Oids.SubjectAlternativeName => known with { AlternativeNames = ReadAlternativeNames(reader, critical) },
            Oids.NameConstraints => known with { NameConstraints = NameConstraints.Read(reader, critical) },
            Oids.SubjectKeyIdentifier => known with { SubjectKeyIdentifier = ReadSubjectKeyIdentifier(reader, critical) },
            Oids.AuthorityKeyIdentifier => known with { AuthorityKeyIdentifier = ReadAuthorityKeyIdentifier(reader, critical) },
            _ => null,
        };
        if (result is not null)
        {
            reader.ThrowIfNotEmpty();
        }

        return result;
    }

    private static BasicConstraints ReadBasicConstraints(AsnReader reader, bool critical)
    {
        var fields = reader.ReadSequence();
        var isAuthority = ReadTrueOrAbsent(fields, "CA flag");
        int? pathLength = null;
        if (fields.HasData)
        {
            pathLength = fields.TryReadInt32(out var value) && value >= 0 && isAuthority
                ? value
                : throw new FormatException("The path length of the basic constraints is negative, too large, or not an authority's.");
        }

        fields.ThrowIfNotEmpty();
        return new BasicConstraints(critical, isAuthority, pathLength);
    }

    private static KeyUsage ReadKeyUsage(AsnReader reader, bool critical)
    {
        var bits = reader.ReadNamedBitList();
        bool Bit(int index) => bits.Length > index && bits[index];
        return bits.HasAnySet()
            ? new KeyUsage(critical, DigitalSignature: Bit(0), KeyCertSign: Bit(5), CrlSign: Bit(6))
            : throw new FormatException("The key usage allows nothing.");
    }

    private static List<string> ReadExtendedKeyUsage(AsnReader reader)
    {
        var uses = new List<string>();
        var list = reader.ReadSequence();
        while (list.HasData && uses.Count < MaxNames)
        {
            uses.Add(list.ReadObjectIdentifier());
        }

        list.ThrowIfNotEmpty();
        return uses.Count > 0 ? uses : throw new FormatException("The extended key usage is empty.");
    }

    private static AlternativeNames ReadAlternativeNames(AsnReader reader, bool critical)
    {
        var names = new List<GeneralName>();
        var list = reader.ReadSequence();
        while (list.HasData && names.Count < MaxNames)
        {
            var name = GeneralName.Read(list);
            NameSyntax.Check(name);
            names.Add(name);
        }

        list.ThrowIfNotEmpty();
        return names.Count > 0
            ? new AlternativeNames(critical, names)
            : throw new FormatException("The subject alternative name is empty.");
    }

    private static byte[] ReadSubjectKeyIdentifier(AsnReader reader, bool critical) =>
        critical
            ? throw new FormatException("The subject key identifier must not be critical.")
            : Bounded(reader.ReadOctetString());

    private static byte[]? ReadAuthorityKeyIdentifier(AsnReader reader, bool critical)
    {
        if (critical)
        {
            throw new FormatException("The authority key identifier must not be critical.");
        }

        var fields = reader.ReadSequence();
        byte[]? identifier = null;
        var last = -1;
        while (fields.HasData)
        {
            var tag = fields.PeekTag();
            if (tag.TagClass is not TagClass.ContextSpecific || tag.TagValue > 2 || tag.TagValue <= last)
            {
                throw new FormatException("The authority key identifier has an unknown field.");
            }

            last = tag.TagValue;
            if (tag.TagValue == 0)
            {
                identifier = Bounded(fields.ReadOctetString(tag));
            }
            else
            {
                fields.ReadEncodedValue();
            }
        }

        return identifier;
    }

    private static byte[] Bounded(byte[] identifier) =>
        identifier.Length is > 0 and <= MaxKeyIdentifierBytes
            ? identifier
            : throw new FormatException($"A key identifier has {identifier.Length} bytes; 1 to {MaxKeyIdentifierBytes} are accepted.");

    /// <summary>DER leaves out a BOOLEAN that has its default value, so that FALSE must not be spelt out.</summary>
    private static bool ReadTrueOrAbsent(AsnReader reader, string what)
    {
        if (!reader.HasData || !reader.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
        {
            return false;
        }

        return reader.ReadBoolean() ? true : throw new FormatException($"The {what} is spelt out as FALSE, which DER forbids.");
    }
}
