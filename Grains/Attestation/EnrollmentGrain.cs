using Mesh.Grains.Attestation.Oidc;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Attestation;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuers;
using Mesh.Spiffe;
using Orleans.Concurrency;

namespace Mesh.Grains.Attestation;

/// <inheritdoc cref="IEnrollmentGrain"/>
/// <remarks>
/// It looks before it asks the signer, which verifies token and CSR once more: strangers can send as many tokens as the ProxyHosts let
/// through, and what is forged shall cost a signature's check and no line in the log. The ProxyHost has one for it, once a minute.
/// </remarks>
[GrainType("enrollment"), StatelessWorker]
internal sealed class EnrollmentGrain(OidcVerifier verifier, IssuanceInstruments instruments) : Grain, IEnrollmentGrain
{
    public async Task<IssuedSvid> EnrollByJwtAsync(ReadOnlyMemory<byte> csr, JwtEvidence evidence, CancellationToken cancellationToken)
    {
        var id = await ProveAsync(csr, evidence);
        return await GrainFactory.GetGrain<ISignerGrain>(IssuerKey.Of(id.TrustDomain.Name, AuthorityPurpose.Workload))
            .SignAsync(new SignRequest(id, csr, evidence, 0), cancellationToken);
    }

    private async Task<SpiffeId> ProveAsync(ReadOnlyMemory<byte> csr, JwtEvidence evidence)
    {
        try
        {
            var (id, trustDomain) = (CsrReader.ReadIdentity(csr), this.GetPrimaryKeyString());
            if (id.TrustDomain.Name != trustDomain || id.Role != IdentityRole.Workload)
            {
                throw new MeshException(MeshError.InvalidRequest, $"{id} is not a workload of {trustDomain}.");
            }

            await verifier.VerifyAsync(evidence.Token, id);
            return id;
        }
        catch (MeshException refusal)
        {
            instruments.Refused(AuthorityPurpose.Workload, refusal.Error);
            throw;
        }
    }
}
