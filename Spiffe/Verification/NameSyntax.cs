namespace Mesh.Spiffe;

/// <summary>What the names of a certificate may look like, so that comparing them has a meaning.</summary>
internal static class NameSyntax
{
    private const int MaxDnsLabel = 63;
    private const int MaxDnsName = 253;

    /// <exception cref="FormatException">The name is none of its kind.</exception>
    public static void Check(GeneralName name)
    {
        var valid = name.Kind switch
        {
            GeneralNameKind.Dns => IsDnsName(name.Text.StartsWith("*.", StringComparison.Ordinal) ? name.Text[2..] : name.Text),
            GeneralNameKind.IpAddress => name.Value.Length is 4 or 16,
            GeneralNameKind.Uri => name.Value.Length > 0,
            _ => true,
        };
        if (!valid)
        {
            throw new FormatException($"An alternative name is no valid name of the kind {name.Kind}.");
        }
    }

    /// <summary>Labels of letters, digits, '-' and '_' between dots.</summary>
    public static bool IsDnsName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaxDnsName)
        {
            return false;
        }

        foreach (var range in name.Split('.'))
        {
            var label = name[range];
            if (label.Length is 0 or > MaxDnsLabel || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (var character in label)
            {
                if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_'))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
