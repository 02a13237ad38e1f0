using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>What can't be done at once where an anchor's key is elsewhere, and what to do about it.</summary>
internal static class OfflineAnchor
{
    /// <summary>Refuses where the silo can't certify an issuer by itself.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>.</exception>
    public static void RefuseUncertified(AnchorRecord anchor, AuthorityPurpose purpose, string otherwise = "")
    {
        if (anchor.IsOffline)
        {
            throw new MeshException(
                MeshError.Conflict,
                $"No {purpose.Word()} issuer stands by that the anchor {Short(anchor)} has certified, and the anchor's key is not here. mesh issuer csr {purpose.Word()} "
                + $"prints what it has to sign, mesh issuer install takes the certificate. {otherwise}".TrimEnd());
        }
    }

    /// <summary>What it means that nothing signs for a purpose.</summary>
    public static string WithoutIssuer(AuthorityPurpose purpose) => purpose == AuthorityPurpose.Workload
        ? "then no workload gets or renews a certificate until one is installed, and connections fail as theirs are void."
        : "then silos and ProxyHosts have no valid certificate until one is installed at a silo's own machine, and no proxy hears of anything.";

    /// <summary>A bundle key is needed that only the anchor's keeper can certify.</summary>
    public static MeshException NoBundleKey(AnchorRecord anchor) => new(
        MeshError.Conflict,
        $"The anchor {Short(anchor)} has certified no bundle key yet, and its key is not here. mesh issuer csr bundle prints what it has to sign, mesh issuer install takes the certificate.");

    /// <summary>No anchor can take over from one that is to be revoked.</summary>
    public static MeshException NoSuccessor(TrustDomainState state) => new(
        MeshError.Conflict,
        (state.Anchor(AnchorStage.Standby) ?? state.Anchor(AnchorStage.Prepared)) is { } uncertified
            ? $"The anchor {Short(uncertified)} could take over, but its key is not here and it has not certified issuers and bundle key. Either bring the key (mesh trust standby import), "
                + "or let it sign: mesh trust rotate start --standby, then mesh issuer csr and mesh issuer install. Then revoke."
            : "It is the only anchor that anybody knows, so no bundle could follow. Start an anchor rotation, and revoke it once that is published.");

    private static string Short(AnchorRecord anchor) => anchor.KeyHash.ToString()[..16];
}
