using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Spiffe;

namespace Mesh.Grains.Attestation.JoinTokens;

/// <summary>Join and re-enrollment tokens: signed by a token key of the bundle, good once.</summary>
internal sealed class JoinTokenAttestor(NewInstances instances, TimeProvider clock) : IAttestor
{
    public Type Kind => typeof(TokenEvidence);

    public async Task<ProvenInstance> AttestAsync(
        SignRequest request, string csrHash, TrustBundle bundle, CancellationToken cancellationToken)
    {
        JoinToken token;
        try
        {
            token = JoinToken.Verify(((TokenEvidence)request.Evidence).Token, bundle.TokenKeys, bundle.TrustDomain, clock.GetUtcNow());
        }
        catch (JoinTokenException e)
        {
            throw new MeshException(MeshError.TokenRejected, e.Message);
        }

        if (token.Subject != request.Id)
        {
            throw new MeshException(MeshError.TokenRejected, $"The token was made for {token.Subject}, not for {request.Id}.");
        }

        return await instances.RedeemAsync(token.Id, csrHash, token.IssuedAt, token.ExpiresAt, cancellationToken)
            ?? throw new MeshException(MeshError.TokenRejected, $"The token {token.Id} has been used. A token is good once.");
    }
}
