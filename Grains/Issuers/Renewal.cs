using Mesh.Grains.Attestation;
using Mesh.Grains.Attestation.Renewal;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;

namespace Mesh.Grains.Issuers;

/// <summary>One of the renewals that are done together, and how far it has come. Each step throws what refuses it.</summary>
internal sealed class Renewal(SignRequest request)
{
    private CheckedRequest? _checked;
    private ProvenInstance? _proven;

    public SignRequest Request => request;

    /// <summary>The certificate that is renewed; its key has signed the request.</summary>
    public ShownLeaf? Shown { get; private set; }

    /// <summary>What is to be put on record.</summary>
    public IssuanceRecord? Signed { get; private set; }

    /// <summary>What is on record for it.</summary>
    public IssuanceRecord? Answer { get; private set; }

    /// <summary>Why it gets nothing.</summary>
    public Exception? Refusal { get; set; }

    public bool IsOpen => Refusal is null;

    /// <summary>What can be said of it without asking anybody.</summary>
    public void Check(string trustDomain)
    {
        _checked = CheckedRequest.Of(request, trustDomain, AuthorityPurpose.Workload);
        Shown = request.Evidence is RenewalEvidence evidence
            ? RenewalAttestor.ReadShown(evidence, request.Csr)
            : throw new MeshException(MeshError.InvalidRequest, "A renewal is proven with the key that it replaces.");
    }

    public void RefuseStale(IssuerInUse issuer)
    {
        if (request.Epoch > issuer.Epoch)
        {
            throw new MeshException(MeshError.Stale, $"This silo knows trust epoch {issuer.Epoch}; the caller has seen {request.Epoch}.");
        }

        _checked!.RefuseKnownKey(issuer.Bundle);
    }

    public void Attest(IReadOnlyDictionary<string, IssuanceRecord> latest, IssuerInUse issuer, RenewalAttestor attestor, EvidenceVerifier verifier)
    {
        var proven = attestor.Decide(request, _checked!.CsrHash, Shown!, Shown!.InstanceId is { } instance ? latest.GetValueOrDefault(instance) : null);
        verifier.RefuseBanned(request.Id, proven, issuer.Bundle);
        (_proven, Answer) = (proven, proven.AlreadyIssued);
    }

    /// <summary>Does nothing where the identical request has its answer.</summary>
    public void Sign(LeafSigner signer, IssuerInUse issuer) => Signed = Answer is null ? signer.Sign(_checked!, _proven!, issuer) : null;

    public async Task AnswerAsync(AppendOutcome outcome, LeafSigner signer)
    {
        try
        {
            Answer = await signer.AnswerAsync(Signed!, outcome);
        }
        catch (Exception e) when (LeafSigner.IsRefusal(e))
        {
            Refusal = e;
        }
    }
}
