using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.TrustDomains;

namespace Mesh.Grains.TrustDomains;

/// <summary>A trust domain's state in the words that operators read.</summary>
internal static class TrustDomainReport
{
    /// <param name="state">The state.</param>
    /// <param name="rotateAt">The share of a key's life after which its successor is due.</param>
    /// <param name="now">The time at which it is.</param>
    public static TrustDomainStatus Of(TrustDomainState state, double rotateAt, DateTimeOffset now) => new(
        state.Name,
        state.Sequence,
        state.Epoch,
        [.. state.Anchors.Select(anchor => new AuthorityStatus(
            anchor.KeyHash, "anchor", Lower(anchor.Stage), anchor.NotBefore, anchor.NotAfter, anchor.Certificate,
            anchor.Since, anchor.SinceSequence, null, null, anchor.IsOffline))],
        [.. state.Issuers.Select(issuer => new AuthorityStatus(
            issuer.KeyHash, issuer.Purpose.Word(), Lower(issuer.Stage), issuer.NotBefore, issuer.NotAfter, issuer.Certificate,
            issuer.Since, 0, issuer.Anchor, issuer.Stage == IssuerStage.Retiring ? issuer.LeavesUntil : null, IsOffline: false))],
        [.. state.Revocations.Select(revocation => new RevocationStatus(revocation.KeyHash, revocation.RevokedAt, revocation.Reason))],
        state.SignedBundle,
        [.. state.Requests.Select(request => new AuthorityRequestStatus(
            request.KeyHash, request.Use.Word(), request.Anchor, request.Since, request.Csr, state.IsDue(request.Use, rotateAt, now)))]);

    private static string Lower(Enum stage) => stage.ToString().ToLowerInvariant();
}
