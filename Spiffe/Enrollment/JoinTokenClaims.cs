using System.Buffers;
using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>The claims of a join token as JSON.</summary>
internal static class JoinTokenClaims
{
    private const int MinIdChars = 26;
    private const int MaxIdChars = 64;
    private const int MaxAddressChars = 512;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    public static byte[] Write(JoinToken token)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("iss", token.Subject.TrustDomain.Name);
            writer.WriteString("sub", token.Subject.ToString());
            writer.WriteString("aud", JoinToken.Audience);
            writer.WriteString("jti", token.Id);
            writer.WriteNumber("iat", token.IssuedAt.ToUnixTimeSeconds());
            writer.WriteNumber("exp", token.ExpiresAt.ToUnixTimeSeconds());
            WriteStrings(writer, "anchors", token.Anchors.Select(anchor => anchor.ToString()));
            WriteStrings(writer, "addresses", token.Addresses.Select(address => address.OriginalString));
            writer.WriteString("uses", token.Use is JoinTokenUse.Join ? "join" : "reenroll");
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <exception cref="JoinTokenException">A claim is missing or wrong.</exception>
    public static JoinToken Read(ReadOnlySpan<byte> json)
    {
        try
        {
            using var document = StrictJson.Parse(json, "join token");
            return Read(StrictJson.Object(document.RootElement, "join token"));
        }
        catch (FormatException exception)
        {
            throw new JoinTokenException(JoinTokenRejection.Malformed, exception.Message, exception);
        }
    }

    /// <summary>What is out of bounds in a token, or null.</summary>
    public static string? Problem(JoinToken token) => token switch
    {
        { Subject.Path.Length: 0 } => "The subject of a join token is an identity with a path.",
        { Id.Length: < MinIdChars or > MaxIdChars } => $"The name of a join token has {MinIdChars} to {MaxIdChars} characters.",
        _ when token.Id.AsSpan().ContainsAnyExcept(IdCharacters) => "The name of a join token has letters, digits, '-' and '_' alone.",
        { Anchors.Count: 0 or > JoinToken.MaxEntries } => $"A join token has 1 to {JoinToken.MaxEntries} anchors.",
        { Addresses.Count: 0 or > JoinToken.MaxEntries } => $"A join token has 1 to {JoinToken.MaxEntries} addresses.",
        _ when token.Addresses.Any(address => !IsAddress(address)) => "The addresses of a join token have the form https://host:port.",
        _ when token.ExpiresAt <= token.IssuedAt => "A join token ends after it was issued.",
        _ => null,
    };

    private static JoinToken Read(JsonMembers claims)
    {
        if (claims.String("aud", MaxAddressChars) != JoinToken.Audience)
        {
            throw new JoinTokenException(JoinTokenRejection.WrongAudience, $"The token is not for enrollment: its audience is not '{JoinToken.Audience}'.");
        }

        var token = new JoinToken
        {
            Subject = claims.SpiffeId("sub"),
            Id = claims.String("jti", MaxIdChars),
            IssuedAt = Seconds(claims, "iat"),
            ExpiresAt = Seconds(claims, "exp"),
            Anchors = claims.Array("anchors", JoinToken.MaxEntries, StrictJson.KeyHash),
            Addresses = claims.Array("addresses", JoinToken.MaxEntries, ReadAddress),
            Use = claims.String("uses", MaxIdChars) switch
            {
                "join" => JoinTokenUse.Join,
                "reenroll" => JoinTokenUse.Reenroll,
                _ => throw new FormatException("The 'uses' of the join token is neither 'join' nor 'reenroll'."),
            },
        };
        if (claims.TrustDomain("iss") != token.Subject.TrustDomain)
        {
            throw new JoinTokenException(JoinTokenRejection.WrongTrustDomain, "The issuer and the subject of the join token belong to different trust domains.");
        }

        return Problem(token) is { } problem ? throw new FormatException(problem) : token;
    }

    private static DateTimeOffset Seconds(JsonMembers claims, string name)
    {
        var seconds = claims.Number(name);
        return seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new FormatException($"The '{name}' of the join token lies past the year 9999.");
    }

    private static Uri ReadAddress(JsonElement element, string name) =>
        Uri.TryCreate(StrictJson.String(element, name, MaxAddressChars), UriKind.Absolute, out var address)
            ? address
            : throw new FormatException($"The {name} is no address.");

    private static bool IsAddress(Uri address) =>
        address.IsAbsoluteUri
        && address.Scheme == Uri.UriSchemeHttps
        && address.UserInfo.Length == 0
        && address.PathAndQuery == "/"
        && address.Fragment.Length == 0;

    private static void WriteStrings(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
