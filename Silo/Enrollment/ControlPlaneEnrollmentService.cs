using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Mesh.Control.V1;
using Mesh.Grains.Certificates;
using Mesh.Grains.Cluster;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuers;
using Mesh.Silo.Hosting;
using Mesh.Silo.Identity;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Enrollment;

/// <summary>How a ProxyHost gets its certificates. Noise is refused here, before a grain is touched; the signer checks all again.</summary>
internal sealed class ControlPlaneEnrollmentService(
    IGrainFactory grains, ClusterView cluster, SiloIdentity identity, BundleOffers offers, IOptions<SiloOptions> options, TimeProvider clock)
    : ControlPlaneEnrollment.ControlPlaneEnrollmentBase
{
    private readonly SiloOptions _options = options.Value;

    public override async Task<FetchBundleResponse> FetchBundle(FetchBundleRequest request, ServerCallContext context)
    {
        var bundle = await grains.GetGrain<ITrustDomainGrain>(_options.TrustDomain).GetBundleAsync();
        return new FetchBundleResponse { SignedBundle = bundle.SignedBundle };
    }

    public override async Task<FetchBundleResponse> OfferBundle(IAsyncStreamReader<OfferBundleRequest> requestStream, ServerCallContext context)
    {
        var learned = await offers.TakeAsync(
            cancellationToken => requestStream.ReadAllAsync(cancellationToken).Select(next => next.Piece),
            grains.GetGrain<ITrustFeed>(_options.TrustDomain).OfferAsync,
            context.CancellationToken);
        return learned is null ? await FetchBundle(new FetchBundleRequest(), context) : new FetchBundleResponse { SignedBundle = learned };
    }

    public override async Task<CertifyResponse> Enroll(EnrollRequest request, ServerCallContext context)
    {
        Mesh.Spiffe.JoinToken token;
        try
        {
            token = Mesh.Spiffe.JoinToken.Verify(request.Token, identity.Bundle.TokenKeys, identity.Bundle.TrustDomain, clock.GetUtcNow());
        }
        catch (JoinTokenException e)
        {
            throw new MeshException(MeshError.TokenRejected, e.Message);
        }

        return await SignAsync(token.Subject, request.Csr, new TokenEvidence(request.Token), context.CancellationToken);
    }

    public override async Task<CertifyResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        SpiffeId id;
        try
        {
            id = X509Svid.Parse([request.Leaf.Memory]).Id;
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The certificate shown for renewal cannot be read: {e.Message}");
        }

        return await SignAsync(id, request.Csr, new RenewalEvidence(request.Leaf.Memory, request.Proof.Memory), context.CancellationToken);
    }

    private async Task<CertifyResponse> SignAsync(SpiffeId id, ByteString csr, Evidence evidence, CancellationToken cancellationToken)
    {
        if (id.Role != IdentityRole.ProxyHost)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{id} is not a ProxyHost. Workloads enroll at a ProxyHost.");
        }

        var signer = grains.GetGrain<ISignerGrain>(IssuerKey.Of(_options.TrustDomain, AuthorityPurpose.ControlPlane));
        var issued = await signer.SignAsync(new SignRequest(id, csr.Memory, evidence, 0), cancellationToken);
        var silos = cluster.Current();
        return new CertifyResponse
        {
            Chain = { issued.Chain.Select(der => ByteString.CopyFrom(der.Span)) },
            NotAfter = issued.NotAfter.ToTimestamp(),
            ReenrollmentToken = issued.ReenrollmentToken ?? "",
            SignedBundle = issued.SignedBundle,
            Gateways = { silos.Gateways.Append(_options.GatewayEndpoint.ToString()).Distinct() },
            ClusterId = _options.TrustDomain,
            ServiceId = OrleansExtensions.ServiceId,
            EnrollmentAddresses = { silos.EnrollmentAddresses.Append(_options.EnrollmentText).Distinct() },
        };
    }
}
