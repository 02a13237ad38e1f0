namespace Mesh.Spiffe;

/// <summary>Control-plane identities come from the control-plane issuers alone, and those sign nothing else.</summary>
/// <remarks>A stolen workload issuer must not be a stolen control plane. Every path below <c>/mesh/</c> counts.</remarks>
internal static class IssuerPurposeRules
{
    public static Refusal? Check(CertificatePath path, SpiffeId id, AuthoritySet authorities)
    {
        if (id.IsControlPlane)
        {
            return authorities.IsControlPlaneIssuer(path.DirectIssuer)
                ? null
                : new Refusal(
                    SvidRejection.IssuerPurpose,
                    $"{id} belongs to the control plane, and its issuer {path.DirectIssuer.Label} is none of the bundle's control-plane issuers.");
        }

        // The whole path, so that a control-plane issuer can't get round the rule by an issuer below it.
        return path.Authorities.FirstOrDefault(authorities.IsControlPlaneIssuer) is { } issuer
            ? new Refusal(
                SvidRejection.IssuerPurpose,
                $"{id} doesn't belong to the control plane, and was issued under the control-plane issuer {issuer.Label}.")
            : null;
    }
}
