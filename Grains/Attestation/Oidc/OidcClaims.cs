using Mesh.Spiffe;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>What the claims of a token must say beside whom it is for: a pure function of token, options and time.</summary>
internal static class OidcClaims
{
    /// <summary>How far the issuer's clock and this one may be apart.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    /// <summary>What is wrong, as a sentence; null where nothing is.</summary>
    public static string? Problem(OidcToken token, OidcIssuerOptions options, DateTimeOffset now)
    {
        if (!string.Equals(token.Issuer, options.Issuer, StringComparison.Ordinal))
        {
            return "It is of another issuer.";
        }

        if (!token.Audiences.Contains(options.Audience, StringComparer.Ordinal))
        {
            return $"It is for another audience than '{options.Audience}'.";
        }

        if (now >= token.ExpiresAt + ClockSkew)
        {
            return $"It was good until {token.ExpiresAt:O}, and here it is {now:O}.";
        }

        if (token.NotBefore is { } notBefore && now < notBefore - ClockSkew)
        {
            return $"It is not good before {notBefore:O}, and here it is {now:O}: compare the clocks.";
        }

        if (now < token.IssuedAt - ClockSkew)
        {
            return $"It was issued at {token.IssuedAt:O}, and here it is {now:O}: compare the clocks.";
        }

        return token.ExpiresAt - token.IssuedAt > options.MaxLifetime
            ? $"It lives for {token.ExpiresAt - token.IssuedAt}; at most {options.MaxLifetime} are accepted."
            : null;
    }
}
