using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mesh.Spiffe.Tests;

/// <summary>Encodes name constraints.</summary>
internal static class Constraints
{
    public static (int Tag, byte[] Value) Uri(string host) => (6, Encoding.ASCII.GetBytes(host));

    public static (int Tag, byte[] Value) Dns(string name) => (2, Encoding.ASCII.GetBytes(name));

    public static (int Tag, byte[] Value) Email(string name) => (1, Encoding.ASCII.GetBytes(name));

    public static (int Tag, byte[] Value) Network(params byte[] addressAndMask) => (7, addressAndMask);

    public static (int Tag, byte[] Value) Directory(string name) => (4, new X500DistinguishedName(name).RawData);

    public static X509Extension Permitting(params (int Tag, byte[] Value)[] names) => Create(names, [], true);

    public static X509Extension Excluding(params (int Tag, byte[] Value)[] names) => Create([], names, true);

    public static X509Extension Create((int Tag, byte[] Value)[] permitted, (int Tag, byte[] Value)[] excluded, bool critical)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            WriteSubtrees(writer, 0, permitted);
            WriteSubtrees(writer, 1, excluded);
        }

        return new X509Extension("2.5.29.30", writer.Encode(), critical);
    }

    private static void WriteSubtrees(AsnWriter writer, int tag, (int Tag, byte[] Value)[] names)
    {
        if (names.Length == 0)
        {
            return;
        }

        using var list = writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, tag));
        foreach (var (kind, value) in names)
        {
            using var subtree = writer.PushSequence();
            if (kind == 4)
            {
                using var wrapper = writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, kind));
                writer.WriteEncodedValue(value);
            }
            else
            {
                writer.WriteOctetString(value, new Asn1Tag(TagClass.ContextSpecific, kind));
            }
        }
    }
}
