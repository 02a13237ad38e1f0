using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>Reads JSON from outside: no member twice, no comments, and every error names the member.</summary>
internal static class StrictJson
{
    private const int MaxDepth = 16;

    private static readonly JsonDocumentOptions Options = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = false,
        CommentHandling = JsonCommentHandling.Disallow,
        MaxDepth = MaxDepth,
    };

    /// <exception cref="FormatException">No valid JSON.</exception>
    public static JsonDocument Parse(ReadOnlySpan<byte> json, string what)
    {
        try
        {
            return JsonDocument.Parse(json.ToArray(), Options);
        }
        catch (JsonException exception)
        {
            throw new FormatException($"The {what} is no valid JSON: {exception.Message}", exception);
        }
    }

    public static JsonMembers Object(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object
            ? new JsonMembers(element, name)
            : throw new FormatException($"The {name} is no JSON object.");

    public static string String(JsonElement element, string name, int maxChars)
    {
        if (element.ValueKind is not JsonValueKind.String)
        {
            throw new FormatException($"The {name} is no string.");
        }

        string text;
        try
        {
            text = element.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            // Escapes that make no valid UTF-16.
            throw new FormatException($"The {name} is no valid text.", exception);
        }

        return text.Length <= maxChars
            ? text
            : throw new FormatException($"The {name} has {text.Length} characters; at most {maxChars} are accepted.");
    }

    public static byte[] Base64(JsonElement element, string name, int maxBytes)
    {
        var text = String(element, name, (maxBytes + 2) / 3 * 4);
        var data = new byte[text.Length / 4 * 3];
        return Convert.TryFromBase64String(text, data, out var written) && Convert.ToBase64String(data, 0, written) == text
            ? data[..written]
            : throw new FormatException($"The {name} is no base64.");
    }

    public static KeyHash KeyHash(JsonElement element, string name) =>
        Spiffe.KeyHash.TryParse(String(element, name, 64), out var hash)
            ? hash
            : throw new FormatException($"The {name} is no key hash of 64 lower-case hex digits.");
}
