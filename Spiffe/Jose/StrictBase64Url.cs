using System.Buffers.Text;

namespace Mesh.Spiffe;

/// <summary>Base64url as JWS demands it: no padding, no white space, one encoding for each value (RFC 7515 §2).</summary>
internal static class StrictBase64Url
{
    public static string Encode(ReadOnlySpan<byte> data) => Base64Url.EncodeToString(data);

    /// <exception cref="FormatException">Not strict base64url; <paramref name="what"/> is named.</exception>
    public static byte[] Decode(ReadOnlySpan<char> text, string what)
    {
        byte[] data;
        try
        {
            data = Base64Url.DecodeFromChars(text);
        }
        catch (FormatException exception)
        {
            throw new FormatException($"The {what} is no base64url.", exception);
        }

        // The platform skips white space and padding, and ignores bits that are left over.
        return text.SequenceEqual(Base64Url.EncodeToString(data))
            ? data
            : throw new FormatException($"The {what} is not the canonical base64url of its value.");
    }
}
