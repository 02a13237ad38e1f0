using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>
/// A JWT of an OIDC issuer as it was shown to somebody: split, read strictly, and verified by nobody. The text is a secret; this
/// record is not.
/// </summary>
/// <remarks>
/// No member twice, no <c>crit</c>, no JWE, canonical base64url (RFC 7515, RFC 7519, RFC 8725): whoever reads the same text after
/// this cannot see another token in it. A key or an address of keys in the header is never looked at.
/// </remarks>
public sealed record OidcToken
{
    /// <summary>The longest token that is read, in characters: 8 KiB.</summary>
    public const int MaxChars = 8 * 1024;

    private const string Name = "JWT";
    private const int MaxClaimChars = 512;
    private const int MaxAudiences = 16;

    /// <summary>The algorithms that may be named; which of them counts is a matter of the issuer's key (RFC 8725 §3.1).</summary>
    public static IReadOnlyList<string> Algorithms { get; } = ["RS256", "PS256", "ES256", "ES384"];

    /// <summary>The header's <c>alg</c>, one of <see cref="Algorithms"/>.</summary>
    public required string Algorithm { get; init; }

    /// <summary>The header's <c>kid</c>; null where absent.</summary>
    public string? KeyId { get; init; }

    /// <summary>The claim <c>iss</c>.</summary>
    public required string Issuer { get; init; }

    /// <summary>The claim <c>sub</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>The claim <c>aud</c>: a string, or at most 16.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>The claim <c>iat</c>.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>The claim <c>nbf</c>; null where absent.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>The claim <c>exp</c>.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Splits and reads a token, and verifies nothing.</summary>
    /// <exception cref="FormatException">it is no such token; the message says why.</exception>
    public static OidcToken ParseUnverified(string text)
    {
        var message = CompactJws.Parse(text, MaxChars);
        if (!Algorithms.Contains(message.Algorithm, StringComparer.Ordinal))
        {
            throw new FormatException($"The algorithm of the JWT is none of {string.Join(", ", Algorithms)}.");
        }

        // Kubernetes leaves the type out. Any other than JWT is another kind of token (RFC 8725 §3.11).
        if (message.Type is { } type && !type.Equals("JWT", StringComparison.OrdinalIgnoreCase))
        {
            throw new FormatException("The type of the JWT is not 'JWT'.");
        }

        using var document = StrictJson.Parse(message.Payload.Span, Name);
        var claims = StrictJson.Object(document.RootElement, Name);
        return new OidcToken
        {
            Algorithm = message.Algorithm,
            KeyId = message.KeyId,
            Issuer = claims.String("iss", MaxClaimChars),
            Subject = claims.String("sub", MaxClaimChars),
            Audiences = ReadAudiences(document.RootElement, claims),
            IssuedAt = Time(claims.Number("iat"), "iat"),
            NotBefore = claims.OptionalNumber("nbf") is { } notBefore ? Time(notBefore, "nbf") : null,
            ExpiresAt = Time(claims.Number("exp"), "exp"),
        };
    }

    private static IReadOnlyList<string> ReadAudiences(JsonElement payload, JsonMembers claims) =>
        payload.TryGetProperty("aud", out var audience) && audience.ValueKind is JsonValueKind.Array
            ? claims.Array("aud", MaxAudiences, (element, name) => StrictJson.String(element, name, MaxClaimChars))
            : [claims.String("aud", MaxClaimChars)];

    private static DateTimeOffset Time(long seconds, string claim) => seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
        ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : throw new FormatException($"The '{claim}' of the JWT lies past the year 9999.");
}
