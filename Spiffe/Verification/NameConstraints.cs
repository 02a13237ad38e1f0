using System.Formats.Asn1;

namespace Mesh.Spiffe;

/// <summary>The name constraints of an authority as they were encoded (RFC 5280 §4.2.1.10).</summary>
internal sealed record NameConstraints(bool Critical, IReadOnlyList<GeneralName> Permitted, IReadOnlyList<GeneralName> Excluded)
{
    private const int MaxSubtrees = 256;
    private static readonly Asn1Tag PermittedTag = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag ExcludedTag = new(TagClass.ContextSpecific, 1, isConstructed: true);

    public static NameConstraints Read(AsnReader reader, bool critical)
    {
        var fields = reader.ReadSequence();
        var permitted = ReadSubtrees(fields, PermittedTag);
        var excluded = ReadSubtrees(fields, ExcludedTag);
        fields.ThrowIfNotEmpty();
        return permitted.Count + excluded.Count > 0
            ? new NameConstraints(critical, permitted, excluded)
            : throw new FormatException("The name constraints are empty.");
    }

    private static List<GeneralName> ReadSubtrees(AsnReader fields, Asn1Tag tag)
    {
        var names = new List<GeneralName>();
        if (!fields.HasData || !fields.PeekTag().HasSameClassAndValue(tag))
        {
            return names;
        }

        var list = fields.ReadSequence(tag);
        do
        {
            var subtree = list.ReadSequence();
            var name = GeneralName.Read(subtree);
            CheckSyntax(name);

            // Minimum and maximum distances are not used (RFC 5280 §4.2.1.10), and nobody implements them.
            subtree.ThrowIfNotEmpty();
            names.Add(name);
        }
        while (list.HasData && names.Count < MaxSubtrees);

        list.ThrowIfNotEmpty();
        return names;
    }

    private static void CheckSyntax(GeneralName name)
    {
        var valid = name.Kind switch
        {
            GeneralNameKind.Dns => name.Text.Length == 0 || NameSyntax.IsDnsName(name.Text),
            GeneralNameKind.Uri => NameSyntax.IsDnsName(name.Text.StartsWith('.') ? name.Text[1..] : name.Text),
            GeneralNameKind.IpAddress => IsNetwork(name.Value.Span),
            _ => true,
        };
        if (!valid)
        {
            throw new FormatException($"A name constraint of the kind {name.Kind} is malformed.");
        }
    }

    /// <summary>An address followed by a mask of ones and then zeros.</summary>
    private static bool IsNetwork(ReadOnlySpan<byte> value)
    {
        if (value.Length is not (8 or 32))
        {
            return false;
        }

        var mask = value[(value.Length / 2)..];
        var partial = mask.IndexOfAnyExcept((byte)0xff);
        return partial < 0
            || (IsOnesThenZeros(mask[partial]) && mask[(partial + 1)..].IndexOfAnyExcept((byte)0) < 0);
    }

    private static bool IsOnesThenZeros(byte value) => (byte)~value is var rest && (rest & (rest + 1)) == 0;
}
