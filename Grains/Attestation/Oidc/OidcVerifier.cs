using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>Whether a JWT proves an identity, by the issuers that the options name. It asks nobody and remembers nothing.</summary>
internal sealed class OidcVerifier(IOptions<AttestationOptions> options, TimeProvider clock, ILogger<OidcVerifier> logger)
{
    private readonly Dictionary<string, OidcIssuer> _issuers = options.Value.Oidc.ToDictionary(
        issuer => issuer.Issuer, issuer => new OidcIssuer(issuer, clock, logger), StringComparer.Ordinal);

    /// <summary>What the token says, every word of it verified.</summary>
    /// <param name="text">The token.</param>
    /// <param name="expected">Whom it must prove, exactly.</param>
    /// <exception cref="MeshException"><see cref="MeshError.TokenRejected"/>; <see cref="MeshError.NotReady"/>: its issuer's keys cannot be read.</exception>
    public async Task<OidcToken> VerifyAsync(string text, SpiffeId expected)
    {
        OidcToken token;
        try
        {
            token = OidcToken.ParseUnverified(text);
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.TokenRejected, $"The JWT is refused. {e.Message}");
        }

        if (!_issuers.TryGetValue(token.Issuer, out var issuer))
        {
            throw new MeshException(MeshError.TokenRejected, "The JWT is refused. This mesh takes no tokens of its issuer.");
        }

        var proven = await issuer.VerifyAsync(token, text, expected.TrustDomain);
        return proven == expected
            ? token
            : throw new MeshException(MeshError.TokenRejected, $"The JWT is that of {proven}, not of {expected}.");
    }
}
