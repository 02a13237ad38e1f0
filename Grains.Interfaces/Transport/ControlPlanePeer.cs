using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>Who a control-plane peer is: verified by its certificate, in a role that may be there.</summary>
public static class ControlPlanePeer
{
    /// <summary>The verifier's verdict, and a refusal where the peer's role is none of those.</summary>
    public static SvidVerification Check(
        IControlPlaneIdentity identity, IReadOnlyList<ReadOnlyMemory<byte>> chain, params ReadOnlySpan<IdentityRole> roles)
    {
        var verification = identity.Verifier.Verify(chain, identity.Bundle);
        if (!verification.IsValid || roles.Contains(verification.Svid!.Id.Role))
        {
            return verification;
        }

        return verification with
        {
            Rejection = SvidRejection.NotPermitted,
            Detail = $"{verification.Svid.Id} is in the role {verification.Svid.Id.Role}, which has no business here.",
        };
    }
}
