using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;
using Mesh.Grains.Issuers;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Attestation.Renewal;

/// <summary>Renewal goes by record: the key last issued to the instance has signed the CSR, whatever became of its certificate.</summary>
internal sealed class RenewalAttestor(IIssuanceStore store, IOptions<LeafOptions> options, TimeProvider clock) : IAttestor
{
    public Type Kind => typeof(RenewalEvidence);

    public async Task<ProvenInstance> AttestAsync(
        SignRequest request, string csrHash, TrustBundle bundle, CancellationToken cancellationToken)
    {
        var shown = ReadShown((RenewalEvidence)request.Evidence, request.Csr);
        var latest = shown.InstanceId is { } instanceId ? await store.FindLatestAsync(instanceId, cancellationToken) : null;
        return Decide(request, csrHash, shown, latest);
    }

    /// <summary>The certificate shown, once it is clear that its key has signed the CSR.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: it can't be read. <see cref="MeshError.NotPermitted"/>: another key has signed.</exception>
    public static ShownLeaf ReadShown(RenewalEvidence evidence, ReadOnlyMemory<byte> csr)
    {
        X509Svid shown;
        bool signed;
        try
        {
            shown = X509Svid.Parse([evidence.Leaf]);
            signed = RenewalProof.Verify(evidence.Leaf.Span, csr.Span, evidence.Proof.Span);
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The certificate shown for renewal cannot be read: {e.Message}");
        }

        return signed
            ? new ShownLeaf(LeafHash(evidence.Leaf), shown.InstanceId, shown.NotBefore, shown.NotAfter)
            : throw new MeshException(MeshError.NotPermitted, "The CSR is not signed with the key of the certificate shown.");
    }

    /// <summary>What it proves, by what is on record.</summary>
    /// <param name="csrHash">SHA-256 of the CSR, hex.</param>
    /// <param name="latest">The instance's newest record; null: there is none.</param>
    /// <exception cref="MeshException"><see cref="MeshError.NotPermitted"/> or <see cref="MeshError.SupersededKey"/>.</exception>
    public ProvenInstance Decide(SignRequest request, string csrHash, ShownLeaf shown, IssuanceRecord? latest)
    {
        if (latest is null || latest.Id != request.Id)
        {
            throw new MeshException(MeshError.NotPermitted, $"No certificate of {request.Id} is on record for that instance.");
        }

        var isRepeat = latest.CsrHash == csrHash && latest.PreviousLeafHash == shown.Hash;
        if (!isRepeat && LeafHash(latest.Leaf) != shown.Hash)
        {
            // Issued after the backup that was restored, or by nobody: either way it proves nothing here.
            throw shown.NotBefore > X509Svid.Parse([latest.Leaf]).NotBefore
                ? new MeshException(
                    MeshError.NotPermitted, $"The certificate shown is newer than any on record for instance {latest.InstanceId} of {latest.Id}. Enroll anew.")
                : new MeshException(
                    MeshError.SupersededKey, $"Instance {latest.InstanceId} of {latest.Id} has been issued a newer certificate than the one shown.");
        }

        var expired = clock.GetUtcNow() - shown.NotAfter;
        if (expired > options.Value.RecoveryWindow)
        {
            throw new MeshException(
                MeshError.NotPermitted,
                $"The certificate shown ended at {shown.NotAfter:O}, more than {options.Value.RecoveryWindow} ago. Enroll with a new token.");
        }

        return new ProvenInstance(latest.InstanceId, latest.Generation, shown.Hash, isRepeat ? latest : null, shown.NotBefore + SvidProfile.Backdating);
    }

    private static string LeafHash(ReadOnlyMemory<byte> leaf) => Convert.ToHexStringLower(SHA256.HashData(leaf.Span));
}
