using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Issuers;

/// <summary>Decides whether the evidence that came with a CSR proves the identity asked for.</summary>
internal sealed class EvidenceVerifier(IIssuanceStore store, IOptions<LeafOptions> options, TimeProvider clock)
{
    /// <summary>What the evidence proves: which instance, and what it was issued before.</summary>
    /// <exception cref="MeshException">The evidence does not hold; the message says why.</exception>
    public async Task<ProvenInstance> VerifyAsync(SignRequest request, string csrHash, TrustBundle bundle, CancellationToken cancellationToken)
    {
        var proven = request.Evidence switch
        {
            TokenEvidence token => await VerifyTokenAsync(request.Id, token, csrHash, bundle, cancellationToken),
            RenewalEvidence renewal => await VerifyRenewalAsync(request, renewal, csrHash, cancellationToken),
            _ => throw new MeshException(MeshError.InvalidRequest, "The request carries no evidence that this silo knows."),
        };

        // A ban outlives the token and the key that was recorded before it.
        if (bundle.Bans.FirstOrDefault(ban => ban.Id == request.Id) is { } ban)
        {
            RefuseBanned(proven, ban);
        }

        return proven;
    }

    private void RefuseBanned(ProvenInstance proven, IdentityBan ban)
    {
        if (proven.ProvenAt < ban.IssuedBefore)
        {
            throw new MeshException(MeshError.Revoked, $"{ban.Id} is banned: evidence from before {ban.IssuedBefore:O} is refused.");
        }

        if (ban.Refuses(clock.GetUtcNow() - SvidProfile.Backdating))
        {
            // This silo's clock is behind: a leaf would be void from the start, and its key worth nothing.
            throw new MeshException(MeshError.NotReady, $"The ban of {ban.Id} ends at {ban.IssuedBefore:O}. Try again then.");
        }
    }

    private async Task<ProvenInstance> VerifyTokenAsync(
        SpiffeId id, TokenEvidence evidence, string csrHash, TrustBundle bundle, CancellationToken cancellationToken)
    {
        JoinToken token;
        try
        {
            token = JoinToken.Verify(evidence.Token, bundle.TokenKeys, bundle.TrustDomain, clock.GetUtcNow());
        }
        catch (JoinTokenException e)
        {
            throw new MeshException(MeshError.TokenRejected, e.Message);
        }

        if (token.Subject != id)
        {
            throw new MeshException(MeshError.TokenRejected, $"The token was made for {token.Subject}, not for {id}.");
        }

        var fresh = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var instanceId = await store.RedeemAsync(new TokenRedemption(token.Id, csrHash, fresh, token.ExpiresAt), cancellationToken)
            ?? throw new MeshException(MeshError.TokenRejected, $"The token {token.Id} has been used. A token is good once.");
        var latest = instanceId == fresh ? null : await store.FindLatestAsync(instanceId, cancellationToken);
        return new ProvenInstance(instanceId, 0, "", latest, token.IssuedAt);
    }

    private async Task<ProvenInstance> VerifyRenewalAsync(
        SignRequest request, RenewalEvidence evidence, string csrHash, CancellationToken cancellationToken)
    {
        X509Svid shown;
        bool signed;
        try
        {
            shown = X509Svid.Parse([evidence.Leaf]);
            signed = RenewalProof.Verify(evidence.Leaf.Span, request.Csr.Span, evidence.Proof.Span);
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The certificate shown for renewal cannot be read: {e.Message}");
        }

        if (!signed)
        {
            throw new MeshException(MeshError.NotPermitted, "The CSR is not signed with the key of the certificate shown.");
        }

        var latest = shown.InstanceId is { } instanceId ? await store.FindLatestAsync(instanceId, cancellationToken) : null;
        if (latest is null || latest.Id != request.Id)
        {
            throw new MeshException(MeshError.NotPermitted, $"No certificate of {request.Id} is on record for that instance.");
        }

        var shownHash = LeafHash(evidence.Leaf);
        var isRepeat = latest.CsrHash == csrHash && latest.PreviousLeafHash == shownHash;
        if (!isRepeat && LeafHash(latest.Leaf) != shownHash)
        {
            throw new MeshException(
                MeshError.SupersededKey, $"Instance {latest.InstanceId} of {latest.Id} has been issued a newer certificate than the one shown.");
        }

        var expired = clock.GetUtcNow() - shown.NotAfter;
        if (expired > options.Value.RecoveryWindow)
        {
            throw new MeshException(
                MeshError.NotPermitted,
                $"The certificate shown ended at {shown.NotAfter:O}, more than {options.Value.RecoveryWindow} ago. Enroll with a new token.");
        }

        return new ProvenInstance(latest.InstanceId, latest.Generation, shownHash, isRepeat ? latest : null, shown.NotBefore + SvidProfile.Backdating);
    }

    private static string LeafHash(ReadOnlyMemory<byte> leaf) => Convert.ToHexStringLower(SHA256.HashData(leaf.Span));
}

/// <summary>What evidence has proven.</summary>
/// <param name="InstanceId">The instance that the certificate is for.</param>
/// <param name="LastGeneration">Its newest certificate so far; 0 for none.</param>
/// <param name="PreviousLeafHash">SHA-256 of the leaf that is replaced, hex; empty for none.</param>
/// <param name="AlreadyIssued">The answer that an identical request was given before.</param>
/// <param name="ProvenAt">When the evidence came into being; bans compare it.</param>
internal sealed record ProvenInstance(
    string InstanceId, long LastGeneration, string PreviousLeafHash, IssuanceRecord? AlreadyIssued, DateTimeOffset ProvenAt);
