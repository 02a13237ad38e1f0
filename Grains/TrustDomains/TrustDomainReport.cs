using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.TrustDomains;

namespace Mesh.Grains.TrustDomains;

/// <summary>A trust domain's state in the words that operators read.</summary>
internal static class TrustDomainReport
{
    public static TrustDomainStatus Of(TrustDomainState state) => new(
        state.Name,
        state.Sequence,
        state.Epoch,
        [.. state.Anchors.Select(anchor => new AuthorityStatus(
            anchor.KeyHash, "anchor", Lower(anchor.Stage), anchor.NotBefore, anchor.NotAfter, anchor.Certificate,
            anchor.Since, anchor.SinceSequence, null, null))],
        [.. state.Issuers.Select(issuer => new AuthorityStatus(
            issuer.KeyHash, issuer.Purpose.Word(), Lower(issuer.Stage), issuer.NotBefore, issuer.NotAfter, issuer.Certificate,
            issuer.Since, 0, issuer.Anchor, issuer.Stage == IssuerStage.Retiring ? issuer.LeavesUntil : null))],
        [.. state.Revocations.Select(revocation => new RevocationStatus(revocation.KeyHash, revocation.RevokedAt, revocation.Reason))],
        state.SignedBundle);

    private static string Lower(Enum stage) => stage.ToString().ToLowerInvariant();
}
