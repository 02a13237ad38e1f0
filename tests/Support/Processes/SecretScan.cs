using System.Security.Cryptography;
using System.Text;

namespace Mesh.Tests.Processes;

/// <summary>Looks for a private key in whatever form it may have slipped out: raw, hex or base64, the number alone or PKCS #8.</summary>
internal sealed class SecretScan
{
    private readonly List<(string Form, byte[] Needle)> _needles = [];

    public SecretScan(ECDsa key)
    {
        Add("the private number", key.ExportParameters(includePrivateParameters: true).D!);
        Add("PKCS #8", key.ExportPkcs8PrivateKey());
    }

    /// <summary>A secret that is no key: a key-encryption key.</summary>
    public SecretScan(byte[] secret) => Add("the secret", secret);

    /// <summary>The forms in which it is there; none where it is not.</summary>
    public IReadOnlyList<string> FindIn(ReadOnlySpan<byte> haystack)
    {
        var found = new List<string>();
        foreach (var (form, needle) in _needles)
        {
            if (haystack.IndexOf(needle) >= 0)
            {
                found.Add(form);
            }
        }

        return found;
    }

    public IReadOnlyList<string> FindIn(string text) => FindIn(Encoding.UTF8.GetBytes(text));

    private void Add(string what, byte[] secret)
    {
        _needles.Add(($"{what}, raw", secret));
        _needles.Add(($"{what}, hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret))));
        _needles.Add(($"{what}, HEX", Encoding.ASCII.GetBytes(Convert.ToHexString(secret))));
        // In base64 a secret looks one of three ways, by where in the encoded bytes it begins; the edges depend on its neighbours.
        for (var shift = 0; shift < 3; shift++)
        {
            var encoded = Convert.ToBase64String([.. new byte[shift], .. secret]);
            var inner = encoded[(shift == 0 ? 0 : 4)..^4];
            _needles.Add(($"{what}, base64 +{shift}", Encoding.ASCII.GetBytes(inner)));
            _needles.Add(($"{what}, base64url +{shift}", Encoding.ASCII.GetBytes(inner.Replace('+', '-').Replace('/', '_'))));
        }
    }
}
