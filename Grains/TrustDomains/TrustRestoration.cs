using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>What becomes of a trust domain that a backup brings back, and how it learns again what the backup did not know.</summary>
/// <remarks>
/// Since the backup was taken, others may have been told of revocations, bans and sequences that it lacks. So it begins with a sequence
/// beyond any that was ever handed out, says in its bundle which ones it has forgotten, and takes back what such a bundle says: those who
/// hold one offer it. Issuers that signed before sign no more, since one of them may have been revoked.
/// </remarks>
internal sealed class TrustRestoration(AuthorityRotator rotator, BundleSealer sealer, TimeProvider clock)
{
    /// <summary>The state with which a backup's trust domain begins again, its bundle signed.</summary>
    public async Task<TrustDomainState> BeginAsync(TrustDomainState backup, CancellationToken cancellationToken)
    {
        // The next second's, since this one's may have been handed out by what was restored this very second.
        var first = Math.Max(TrustDomainState.FirstSequence(clock.GetUtcNow().AddSeconds(1)), backup.Sequence + 1);
        var next = await rotator.ReplaceIssuersAsync(backup, cancellationToken);
        // Epochs count from 1, one for each change, so none has come near to a sequence.
        return await sealer.SealAsync(
            next with { Sequence = first, Epoch = first, ForgottenAfter = backup.Sequence, ForgottenBefore = first }, cancellationToken);
    }

    /// <summary>The state with what a forgotten bundle knows: its revocations, its bans. The bundle has been verified.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: it revokes the only anchor. <see cref="MeshError.LimitReached"/>: no
    /// room for its bans.</exception>
    public async Task<TrustDomainState> RememberAsync(TrustDomainState state, TrustBundle forgotten, CancellationToken cancellationToken)
    {
        foreach (var revocation in forgotten.Revocations.Where(revocation => !state.IsRevoked(revocation.KeyHash)))
        {
            state = await RevokeAsync(state, revocation, cancellationToken);
        }

        return state.WithRememberedBans(forgotten.Bans) with { ForgottenAfter = forgotten.Sequence };
    }

    private async Task<TrustDomainState> RevokeAsync(TrustDomainState state, Revocation revocation, CancellationToken cancellationToken)
    {
        if (state.Issuers.FirstOrDefault(issuer => issuer.KeyHash == revocation.KeyHash) is { } issuer)
        {
            state = await rotator.RevokeIssuerAsync(state, issuer, withoutSuccessor: true, revocation.Reason, cancellationToken);
        }
        else if (state.Anchors.FirstOrDefault(anchor => anchor.KeyHash == revocation.KeyHash) is { } anchor)
        {
            state = await rotator.RevokeAnchorAsync(state, anchor, rotator.TakeoverFrom(state, anchor), revocation.Reason, cancellationToken);
        }

        // As it was pronounced, also where the authority was made and revoked after the backup.
        var record = new RevocationRecord(revocation.KeyHash, revocation.RevokedAt, revocation.AuthorityNotAfter, revocation.Reason);
        return state with { Revocations = state.Revocations.RemoveAll(other => other.KeyHash == record.KeyHash).Add(record) };
    }
}
