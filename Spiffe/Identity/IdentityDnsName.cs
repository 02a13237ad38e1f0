using System.Security.Cryptography;
using System.Text;

namespace Mesh.Spiffe;

/// <summary>Derives the one DNS name of an identity from its path.</summary>
internal static class IdentityDnsName
{
    private const int MaxLabel = 63;
    private const int MaxName = 253;
    private const int HashedBytes = 160 / 8;

    public static string Of(TrustDomainName trustDomain, string id, string[] segments)
    {
        var labels = segments switch
        {
            // A namespace is one label, and none is called "mesh": two identities must not share a name.
            ["ns", var ns, "sa", var account] when ns != "mesh" && IsLabel(ns) => $"{account}.{ns}",
            ["mesh", ("silo" or "proxyhost") and var kind, var name] => $"{name}.{kind}.mesh",
            _ => null,
        };

        return labels is not null && $"{labels}.{trustDomain.Name}" is var plain && IsName(plain)
            ? plain
            : Hashed(trustDomain, id);
    }

    private static string Hashed(TrustDomainName trustDomain, string id)
    {
        var digest = SHA256.HashData(Encoding.ASCII.GetBytes(id));
        var label = "h-" + Base32.Lower(digest.AsSpan(0, HashedBytes));
        var below = $"{label}.{trustDomain.Name}";
        return IsName(below) ? below : label;
    }

    private static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.Length > MaxName)
        {
            return false;
        }

        foreach (var range in name.Split('.'))
        {
            if (!IsLabel(name[range]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.Length is 0 or > MaxLabel || label[0] == '-' || label[^1] == '-')
        {
            return false;
        }

        foreach (var character in label)
        {
            if (!char.IsAsciiLetterLower(character) && !char.IsAsciiDigit(character) && character != '-')
            {
                return false;
            }
        }

        return true;
    }
}
