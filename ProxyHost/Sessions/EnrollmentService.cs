using Grpc.Core;
using Mesh.Grains.Interfaces.Attestation;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Proxy.V1;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Hosting;
using Mesh.ProxyHost.Renewals;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>First contact and recovery: no client certificate, so evidence is checked before a grain is touched, and by the signer again.</summary>
internal sealed class EnrollmentService(
    IGrainFactory grains, ProxyHostIdentity identity, RenewalLanes renewals, BundleOffers offers, ProxyHostOptions options, TimeProvider clock) : Mesh.Proxy.V1.Enrollment.EnrollmentBase
{
    public override Task<FetchBundleResponse> FetchBundle(FetchBundleRequest request, ServerCallContext context) =>
        Task.FromResult(new FetchBundleResponse { SignedBundle = identity.Bundles.Held!.Jws });

    public override async Task<FetchBundleResponse> OfferBundle(IAsyncStreamReader<OfferBundleRequest> requestStream, ServerCallContext context)
    {
        var learned = await offers.TakeAsync(
            cancellationToken => requestStream.ReadAllAsync(cancellationToken).Select(next => next.Piece),
            jws => grains.GetGrain<ITrustFeed>(identity.Bundle.TrustDomain.Name).OfferAsync(jws).WaitAsync(options.CallTimeout, clock, context.CancellationToken),
            context.CancellationToken);
        return learned is null ? await FetchBundle(new FetchBundleRequest(), context) : new FetchBundleResponse { SignedBundle = learned };
    }

    public override async Task<CertifyResponse> Enroll(EnrollRequest request, ServerCallContext context)
    {
        RequestLimits.CheckCsr(request.Csr);
        var enrollment = request.EvidenceCase switch
        {
            EnrollRequest.EvidenceOneofCase.Token => EnrollByTokenAsync(request.Token, request.Csr.Memory, context.CancellationToken),
            EnrollRequest.EvidenceOneofCase.Jwt => EnrollByJwtAsync(request.Jwt, request.Csr.Memory, context.CancellationToken),
            _ => throw new MeshException(MeshError.InvalidRequest, "The message holds neither a token nor a JWT."),
        };
        return SessionMessages.ToMessage(await enrollment.WaitAsync(options.CallTimeout, clock, context.CancellationToken));
    }

    private Task<IssuedSvid> EnrollByTokenAsync(string text, ReadOnlyMemory<byte> csr, CancellationToken cancellationToken)
    {
        JoinToken token;
        try
        {
            token = JoinToken.Verify(text, identity.Bundle.TokenKeys, identity.Bundle.TrustDomain, clock.GetUtcNow());
        }
        catch (JoinTokenException e)
        {
            throw new MeshException(MeshError.TokenRejected, e.Message);
        }

        return WorkloadOf(token.Subject).EnrollAsync(csr, new TokenEvidence(text), identity.Name, cancellationToken);
    }

    // Nobody here has the keys of its issuer. What has not even the shape of such a token goes no further; the rest goes to the one
    // enrollment grain, so that no name which a stranger chose becomes a grain, and no oftener than strangers may enroll.
    private Task<IssuedSvid> EnrollByJwtAsync(string text, ReadOnlyMemory<byte> csr, CancellationToken cancellationToken)
    {
        try
        {
            OidcToken.ParseUnverified(text);
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.TokenRejected, $"The JWT is refused. {e.Message}");
        }

        return grains.GetGrain<IEnrollmentGrain>(identity.Bundle.TrustDomain.Name).EnrollByJwtAsync(csr, new JwtEvidence(text), cancellationToken);
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

        return SessionMessages.ToMessage(await renewals.RenewAsync(
            new SignRequest(CheckWorkload(shown.Id), certify.Csr.Memory, new RenewalEvidence(request.Leaf.Memory, certify.Proof.Memory), certify.Epoch),
            context.CancellationToken));
    }

    private IWorkloadGrain WorkloadOf(SpiffeId id) => grains.GetGrain<IWorkloadGrain>(CheckWorkload(id).ToString());

    private SpiffeId CheckWorkload(SpiffeId id) => id.Role == IdentityRole.Workload && id.TrustDomain == identity.Bundle.TrustDomain
        ? id
        : throw new MeshException(MeshError.InvalidRequest, $"{id} is not a workload of {identity.Bundle.TrustDomain}.");
}
