using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>One issuer that this silo believes, as far as its options go.</summary>
internal sealed class OidcIssuer(OidcIssuerOptions options, TimeProvider clock, ILogger logger)
{
    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = OidcToken.MaxChars, MapInboundClaims = false };

    // Keys come and go with the file, and enrollments are rare.
    private static readonly CryptoProviderFactory Crypto = new() { CacheSignatureProviders = false };

    private readonly JwksFile _file = new(options.JwksFile, clock, logger);
    private readonly SubjectTemplate _template = SubjectTemplate.Parse(options.SubjectTemplate);

    /// <summary>The identity that a token proves.</summary>
    /// <param name="token">What the text says, unverified.</param>
    /// <param name="text">The token.</param>
    /// <param name="trustDomain">Where identities belong.</param>
    /// <exception cref="MeshException"><see cref="MeshError.TokenRejected"/>, <see cref="MeshError.NotReady"/>.</exception>
    public async Task<SpiffeId> VerifyAsync(OidcToken token, string text, TrustDomainName trustDomain)
    {
        var key = _file.Keys.Find(token.KeyId)
            ?? throw Refuse(token.KeyId is null ? "It names no key, and its issuer has several." : "Its issuer has no key of the name that it has.");
        // By the key's own kind: a token that could choose would choose a weaker one.
        if (!key.Algorithms.Contains(token.Algorithm))
        {
            throw Refuse($"It names the algorithm {token.Algorithm}, which is not that of its issuer's key.");
        }

        var now = clock.GetUtcNow();
        var verdict = await Handler.ValidateTokenAsync(text, Strictly(key, now));
        // The signature comes first. Of the rest the claims' own check finds better words.
        if (verdict.Exception is not (null or SecurityTokenInvalidLifetimeException or SecurityTokenInvalidAudienceException))
        {
            throw Refuse("It was not signed by the key of its issuer that it names.");
        }

        if (OidcClaims.Problem(token, options, now) is { } problem)
        {
            throw Refuse(problem);
        }

        if (!verdict.IsValid)
        {
            throw Refuse("It does not hold.");
        }

        return _template.Find(token.Subject, trustDomain) ?? throw Refuse($"Its subject is not of the form '{options.SubjectTemplate}'.");
    }

    private static MeshException Refuse(string why) => new(MeshError.TokenRejected, $"The JWT is refused. {why}");

    private TokenValidationParameters Strictly(OidcKey key, DateTimeOffset now) => new()
    {
        RequireSignedTokens = true,
        ValidAlgorithms = key.Algorithms,
        // This one key, whatever the token's header says of keys.
        IssuerSigningKeyResolver = (_, _, _, _) => [key.Key],
        CryptoProviderFactory = Crypto,
        ValidIssuer = options.Issuer,
        ValidAudience = options.Audience,
        IgnoreTrailingSlashWhenValidatingAudience = false,
        RequireAudience = true,
        RequireExpirationTime = true,
        // By this silo's clock, which is not always the machine's.
        LifetimeValidator = (notBefore, expires, _, _) =>
            (notBefore is null || notBefore <= (now + OidcClaims.ClockSkew).UtcDateTime) && expires > (now - OidcClaims.ClockSkew).UtcDateTime,
    };
}
