using System.Formats.Asn1;
using System.Text;

namespace Mesh.Spiffe;

/// <summary>The kinds of GeneralName by their tag number (RFC 5280 §4.2.1.6).</summary>
internal enum GeneralNameKind
{
    Other = 0,
    Email = 1,
    Dns = 2,
    X400 = 3,
    Directory = 4,
    EdiParty = 5,
    Uri = 6,
    IpAddress = 7,
    RegisteredId = 8,
}

/// <summary>One GeneralName: the bytes of its contents, and for a directory name those of the whole Name.</summary>
internal sealed record GeneralName(GeneralNameKind Kind, ReadOnlyMemory<byte> Value)
{
    /// <summary>The name as text; only for e-mail, DNS and URI names, which are ASCII.</summary>
    public string Text => Encoding.ASCII.GetString(Value.Span);

    /// <summary>Reads the next name; what a name or a constraint may say is for the caller to judge.</summary>
    public static GeneralName Read(AsnReader reader)
    {
        var tag = reader.PeekTag();
        if (tag.TagClass is not TagClass.ContextSpecific || tag.TagValue is < 0 or > (int)GeneralNameKind.RegisteredId)
        {
            throw new FormatException($"A general name has the unknown tag {tag}.");
        }

        var kind = (GeneralNameKind)tag.TagValue;
        return kind switch
        {
            GeneralNameKind.Email or GeneralNameKind.Dns or GeneralNameKind.Uri =>
                new GeneralName(kind, Ascii(reader.ReadCharacterString(UniversalTagNumber.IA5String, tag))),
            GeneralNameKind.IpAddress => new GeneralName(kind, reader.ReadOctetString(tag)),
            GeneralNameKind.Directory => new GeneralName(kind, ReadDirectoryName(reader, tag)),
            _ => new GeneralName(kind, reader.ReadEncodedValue()),
        };
    }

    private static ReadOnlyMemory<byte> ReadDirectoryName(AsnReader reader, Asn1Tag tag)
    {
        var wrapper = reader.ReadSequence(tag);
        var name = wrapper.ReadEncodedValue();
        wrapper.ThrowIfNotEmpty();
        return name;
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
