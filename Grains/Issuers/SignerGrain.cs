using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Mesh.Grains.Issuers;

/// <inheritdoc cref="ISignerGrain"/>
[GrainType("signer"), StatelessWorker]
internal sealed class SignerGrain(LeafSigner signer, EvidenceVerifier evidenceVerifier, JoinTokenFactory tokens, IOptions<LeafOptions> options) : Grain, ISignerGrain
{
    public async Task<IssuedSvid> SignAsync(SignRequest request, CancellationToken cancellationToken)
    {
        var (trustDomain, purpose) = IssuerKey.Parse(this.GetPrimaryKeyString());
        try
        {
            var issued = await DecideAndSignAsync(request, trustDomain, purpose, cancellationToken);
            signer.Issued(purpose);
            return issued;
        }
        catch (Exception e) when (LeafSigner.IsRefusal(e))
        {
            throw signer.Refused(request.Id, purpose, e);
        }
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        signer.Dispose();
        return Task.CompletedTask;
    }

    private async Task<IssuedSvid> DecideAndSignAsync(SignRequest request, string trustDomain, AuthorityPurpose purpose, CancellationToken cancellationToken)
    {
        var checkedRequest = CheckedRequest.Of(request, trustDomain, purpose);
        var issuer = await signer.UseActiveIssuerAsync(trustDomain, purpose, request.Epoch, cancellationToken);
        checkedRequest.RefuseKnownKey(issuer.Bundle);
        var proven = await evidenceVerifier.VerifyAsync(request, checkedRequest.CsrHash, issuer.Bundle, cancellationToken);
        if (proven.AlreadyIssued is not { } record)
        {
            record = signer.Sign(checkedRequest, proven, issuer);
            record = await signer.AnswerAsync(record, (await signer.AppendAsync([record]))[0]);
        }

        var reenrollment = request.Evidence is TokenEvidence evidence
            ? await tokens.CreateReenrollmentAsync(
                issuer.Bundle, JoinToken.ParseUnverified(evidence.Token), record.NotAfter + options.Value.RecoveryWindow, cancellationToken)
            : null;
        return issuer.Answer(record, reenrollment);
    }
}
