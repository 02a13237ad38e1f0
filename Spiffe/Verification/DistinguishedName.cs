using System.Formats.Asn1;

namespace Mesh.Spiffe;

/// <summary>Reads an X.501 Name: how many parts it has, and its common name (RFC 5280 §4.1.2.4).</summary>
internal static class DistinguishedName
{
    private const string CommonNameOid = "2.5.4.3";
    private const int MaxParts = 32;

    /// <summary>Returns the number of parts; <paramref name="commonName"/> is the first common name, or null.</summary>
    public static int ReadCommonName(AsnReader reader, out string? commonName)
    {
        commonName = null;
        var parts = 0;
        var name = reader.ReadSequence();
        while (name.HasData)
        {
            if (++parts > MaxParts)
            {
                throw new FormatException($"A name has more than {MaxParts} parts.");
            }

            var part = name.ReadSetOf();
            if (!part.HasData)
            {
                throw new FormatException("A name has an empty part.");
            }

            while (part.HasData)
            {
                ReadAttribute(part, ref commonName);
            }
        }

        return parts;
    }

    /// <summary>Whether <paramref name="name"/> begins with every part of <paramref name="prefix"/>, compared byte by byte.</summary>
    public static bool StartsWith(ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> prefix)
    {
        var parts = new AsnReader(name, AsnEncodingRules.DER).ReadSequence();
        var expected = new AsnReader(prefix, AsnEncodingRules.DER).ReadSequence();
        while (expected.HasData)
        {
            if (!parts.HasData || !parts.ReadEncodedValue().Span.SequenceEqual(expected.ReadEncodedValue().Span))
            {
                return false;
            }
        }

        return true;
    }

    private static void ReadAttribute(AsnReader part, ref string? commonName)
    {
        var attribute = part.ReadSequence();
        var type = attribute.ReadObjectIdentifier();
        var tag = attribute.PeekTag();
        if (type == CommonNameOid && commonName is null && IsText(tag))
        {
            commonName = attribute.ReadCharacterString((UniversalTagNumber)tag.TagValue);
        }
        else
        {
            attribute.ReadEncodedValue();
        }

        attribute.ThrowIfNotEmpty();
    }

    private static bool IsText(Asn1Tag tag) =>
        tag.TagClass is TagClass.Universal
        && (UniversalTagNumber)tag.TagValue is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String;
}
