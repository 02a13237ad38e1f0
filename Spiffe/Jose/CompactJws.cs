using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>JSON Web Signatures in compact form (RFC 7515). It signs with ES256 alone.</summary>
public static class CompactJws
{
    /// <summary>The one algorithm of the mesh: ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).</summary>
    public const string Es256 = "ES256";

    private const int MaxHeaderBytes = 32 * 1024;

    /// <summary>Signs a payload.</summary>
    /// <param name="type">The header's <c>typ</c>, which keeps one kind of token from passing for another.</param>
    /// <param name="payload">Any bytes.</param>
    /// <param name="key">A key on P-256.</param>
    /// <param name="keyId">The header's <c>kid</c>; null: none.</param>
    /// <param name="certificates">The header's <c>x5c</c>, DER; null: none.</param>
    /// <exception cref="ArgumentException">The key is not on P-256.</exception>
    public static string Sign(
        string type,
        ReadOnlySpan<byte> payload,
        ECDsa key,
        string? keyId = null,
        IReadOnlyList<ReadOnlyMemory<byte>>? certificates = null)
    {
        if (key.KeySize != 256)
        {
            throw new ArgumentException($"{Es256} needs a key on P-256, and this one has {key.KeySize} bits.", nameof(key));
        }

        var input = SigningInput(type, payload, keyId, certificates);
        return Finish(input, key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256));
    }

    /// <summary>Signs a payload with the key of an SVID.</summary>
    /// <exception cref="ArgumentException">The SVID's key is not on P-256.</exception>
    public static string Sign(string type, ReadOnlySpan<byte> payload, SvidCredential credential)
    {
        var input = SigningInput(type, payload, null, null);
        var signature = credential.Sign(Encoding.ASCII.GetBytes(input));
        return signature.Length == JwsMessage.Es256SignatureBytes
            ? Finish(input, signature)
            : throw new ArgumentException($"{Es256} needs a key on P-256.", nameof(credential));
    }

    /// <summary>Splits a JWS. It verifies nothing: the caller checks algorithm and type, picks the key and asks
    /// <see cref="JwsMessage.Verify"/>.</summary>
    /// <exception cref="FormatException">Too long, not three parts of canonical base64url, or a header that can't be read
    /// or demands an extension (<c>crit</c>).</exception>
    public static JwsMessage Parse(string text, int maxChars)
    {
        if (text.Length > maxChars)
        {
            throw new FormatException($"The JWS has {text.Length} characters; at most {maxChars} are accepted.");
        }

        var first = text.IndexOf('.', StringComparison.Ordinal);
        var second = first < 0 ? -1 : text.IndexOf('.', first + 1);
        if (second < 0 || text.AsSpan(second + 1).Contains('.'))
        {
            throw new FormatException("A compact JWS has three parts with dots between them.");
        }

        var header = StrictBase64Url.Decode(text.AsSpan(0, first), "header of the JWS");
        var payload = StrictBase64Url.Decode(text.AsSpan(first + 1, second - first - 1), "payload of the JWS");
        var signature = StrictBase64Url.Decode(text.AsSpan(second + 1), "signature of the JWS");
        if (header.Length > MaxHeaderBytes)
        {
            throw new FormatException($"The header of the JWS has {header.Length} bytes; at most {MaxHeaderBytes} are accepted.");
        }

        return JwsMessage.Read(header, payload, Encoding.ASCII.GetBytes(text[..second]), signature);
    }

    private static string SigningInput(
        string type,
        ReadOnlySpan<byte> payload,
        string? keyId,
        IReadOnlyList<ReadOnlyMemory<byte>>? certificates)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("alg", Es256);
            writer.WriteString("typ", type);
            if (keyId is not null)
            {
                writer.WriteString("kid", keyId);
            }

            if (certificates is not null)
            {
                writer.WriteStartArray("x5c");
                foreach (var certificate in certificates)
                {
                    writer.WriteBase64StringValue(certificate.Span);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return $"{StrictBase64Url.Encode(stream.ToArray())}.{StrictBase64Url.Encode(payload)}";
    }

    private static string Finish(string input, byte[] signature) => $"{input}.{StrictBase64Url.Encode(signature)}";
}
