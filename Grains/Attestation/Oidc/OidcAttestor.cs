using System.Security.Cryptography;
using System.Text;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>JWTs of the OIDC issuers that the options name. Nobody is asked: their keys lie in files.</summary>
/// <remarks>
/// Such a token is good as often as it is shown, since the instances of a workload may share one. Each request that comes with it is a
/// new instance; a repeat of the identical request is the same one.
/// </remarks>
internal sealed partial class OidcAttestor(OidcVerifier verifier, NewInstances instances, ILogger<OidcAttestor> logger) : IAttestor
{
    public Type Kind => typeof(JwtEvidence);

    public async Task<ProvenInstance> AttestAsync(
        SignRequest request, string csrHash, TrustBundle bundle, CancellationToken cancellationToken)
    {
        var text = ((JwtEvidence)request.Evidence).Token;
        var token = await verifier.VerifyAsync(text, request.Id);
        var instance = await instances.RedeemAsync(
            RedemptionOf(text, csrHash), csrHash, token.IssuedAt, token.ExpiresAt + OidcClaims.ClockSkew, cancellationToken)
            ?? throw new MeshException(MeshError.TokenRejected, "The JWT was shown with another request.");
        Log.Attested(logger, request.Id, instance.InstanceId, token.Issuer, token.Subject);
        return instance;
    }

    // Of token and request: the colon keeps it apart from the names of join tokens, which have none.
    private static string RedemptionOf(string text, string csrHash) => string.Concat(
        "jwt:", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}.{csrHash}"))));

    private static partial class Log
    {
        [LoggerMessage(EventId = 2303, Level = LogLevel.Information, Message = "{SpiffeId}, instance {InstanceId}, is attested by {Issuer} as {Subject}")]
        public static partial void Attested(ILogger logger, SpiffeId spiffeId, string instanceId, string issuer, string subject);
    }
}
