using Grpc.Core;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Proxy.V1;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Hosting;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>First contact and recovery: no client certificate, so evidence is checked before a grain is touched, and by the signer again.</summary>
internal sealed class EnrollmentService(
    IGrainFactory grains, ProxyHostIdentity identity, ProxyHostOptions options, TimeProvider clock) : Mesh.Proxy.V1.Enrollment.EnrollmentBase
{
    public override Task<FetchBundleResponse> FetchBundle(FetchBundleRequest request, ServerCallContext context) =>
        Task.FromResult(new FetchBundleResponse { SignedBundle = identity.Bundles.Held!.Jws });

    public override async Task<CertifyResponse> Enroll(EnrollRequest request, ServerCallContext context)
    {
        RequestLimits.CheckCsr(request.Csr);
        JoinToken token;
        try
        {
            token = JoinToken.Verify(request.Token, identity.Bundle.TokenKeys, identity.Bundle.TrustDomain, clock.GetUtcNow());
        }
        catch (JoinTokenException e)
        {
            throw new MeshException(MeshError.TokenRejected, e.Message);
        }

        var workload = WorkloadOf(token.Subject);
        var issued = await workload.EnrollAsync(
            request.Csr.Memory, new TokenEvidence(request.Token), identity.Name, context.CancellationToken)
            .WaitAsync(options.CallTimeout, clock, context.CancellationToken);
        return SessionMessages.ToMessage(issued);
    }

    public override async Task<CertifyResponse> Recover(RecoverRequest request, ServerCallContext context)
    {
        var certify = request.Certify ?? throw new MeshException(MeshError.InvalidRequest, "The message holds no certify request.");
        RequestLimits.CheckCsr(certify.Csr);
        X509Svid shown;
        bool signed;
        try
        {
            shown = X509Svid.Parse([request.Leaf.Memory]);
            signed = RenewalProof.Verify(request.Leaf.Span, certify.Csr.Span, certify.Proof.Span);
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The certificate shown cannot be read: {e.Message}");
        }

        if (!signed)
        {
            throw new MeshException(MeshError.NotPermitted, "The CSR is not signed with the key of the certificate shown.");
        }

        var issued = await WorkloadOf(shown.Id).CertifyAsync(
            certify.Csr.Memory, new RenewalEvidence(request.Leaf.Memory, certify.Proof.Memory), certify.Epoch, identity.Name, context.CancellationToken)
            .WaitAsync(options.CallTimeout, clock, context.CancellationToken);
        return SessionMessages.ToMessage(issued);
    }

    private IWorkloadGrain WorkloadOf(SpiffeId id) => id.Role == IdentityRole.Workload && id.TrustDomain == identity.Bundle.TrustDomain
        ? grains.GetGrain<IWorkloadGrain>(id.ToString())
        : throw new MeshException(MeshError.InvalidRequest, $"{id} is not a workload of {identity.Bundle.TrustDomain}.");
}
