using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Reads certificates in PEM (RFC 7468) and nothing else: a key among them is told, not passed over.</summary>
public static class PemCertificates
{
    private const string Label = "CERTIFICATE";

    /// <summary>The certificates in their order, in DER. Text between them is passed over.</summary>
    /// <exception cref="FormatException">There is none, one is broken, or something else is in PEM there.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Read(string pem)
    {
        var certificates = new List<ReadOnlyMemory<byte>>();
        var rest = pem.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var label = rest[fields.Label].ToString();
            if (label != Label)
            {
                throw new FormatException(
                    label.EndsWith("PRIVATE KEY", StringComparison.Ordinal)
                        ? "There is a private key among the certificates. It has no business here: take it out, and see who has read the file."
                        : $"There is a {Describe.Text(label)} among the certificates.");
            }

            var der = new byte[fields.DecodedDataLength];
            Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out _);
            certificates.Add(der);
            rest = rest[fields.Location.End..];
        }

        return certificates.Count > 0 ? certificates : throw new FormatException("There is no certificate in PEM there.");
    }
}
