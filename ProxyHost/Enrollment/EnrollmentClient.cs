using System.Net.Security;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Control.V1;
using Mesh.Grains.Interfaces.Transport;
using Mesh.ProxyHost.Cluster;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Enrollment;

/// <summary>Gets the ProxyHost its certificates from a silo. The token goes only to a silo that has proven to be one.</summary>
internal sealed partial class EnrollmentClient(
    ProxyHostIdentity identity, EnrollmentFolder folder, KnownCluster cluster, string tokenFile, TimeProvider clock, ILogger<EnrollmentClient> logger)
    : IDisposable
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);
    private static readonly SslApplicationProtocol[] Alpn = [SslApplicationProtocol.Http2];

    // What the token names; a token is read again at every enrollment.
    private IReadOnlyList<Uri> _tokenAddresses = [];

    // Kept from try to try while nobody knows whether a silo has heard of it.
    private PendingRequest? _pending;

    // Issued, and not fit for use: revoked or ended while the answer was on its way. It is what the next request is proven with.
    private SvidCredential? _refused;

    /// <summary>A first certificate, on the strength of a token; whatever the silo said of the cluster comes with it.</summary>
    public async Task<CertifyResponse> EnrollAsync(CancellationToken cancellationToken)
    {
        var text = folder.ReadToken(tokenFile);
        var token = JoinToken.ParseUnverified(text);
        _tokenAddresses = token.Addresses;
        if (identity.Bundles.Held is null)
        {
            await MeetAsync(token, cancellationToken);
        }

        var answer = await CertifyAsync(token.Subject, (client, csr) => client.EnrollAsync(
            new EnrollRequest { Token = text, Csr = ByteString.CopyFrom(csr) }, deadline: Deadline(), cancellationToken: cancellationToken));
        folder.WriteToken(answer.ReenrollmentToken);
        return answer;
    }

    /// <summary>The next certificate, on the strength of the one that is held, which may have ended or been revoked.</summary>
    public Task RenewAsync(CancellationToken cancellationToken)
    {
        var held = _refused ?? identity.Credential;
        return CertifyAsync(held.Svid.Id, (client, csr) => client.RenewAsync(
            new RenewRequest
            {
                Csr = ByteString.CopyFrom(csr),
                Proof = ByteString.CopyFrom(RenewalProof.Create(held, csr)),
                Leaf = ByteString.CopyFrom(held.Svid.LeafDer.Span),
            },
            deadline: Deadline(),
            cancellationToken: cancellationToken));
    }

    /// <summary>
    /// Asks a silo that the held bundle does not vouch for, for a bundle that does and that may follow the held one: the issuer of the
    /// silos may have changed while this process heard from none.
    /// </summary>
    /// <returns>Whether there was anything newer.</returns>
    public async Task<bool> CatchUpAsync()
    {
        var contact = new FirstContact(identity.Bundle, IdentityRole.Silo, clock);
        return identity.Bundles.AcceptUnlessOlder((await FetchAsync(contact, CancellationToken.None)).Jws);
    }

    public void Dispose() => _pending?.Dispose();

    private async Task MeetAsync(JoinToken token, CancellationToken cancellationToken)
    {
        var contact = new FirstContact(token.Subject.TrustDomain, token.Anchors, IdentityRole.Silo, clock);
        identity.Bundles.AcceptFirst(await FetchAsync(contact, cancellationToken));
    }

    private async Task<SignedBundle> FetchAsync(FirstContact contact, CancellationToken cancellationToken)
    {
        var answer = await AnySiloAsync(
            contact.ProvisionalTls(Alpn),
            client => client.FetchBundleAsync(new FetchBundleRequest(), deadline: Deadline(), cancellationToken: cancellationToken).ResponseAsync);
        // Whoever says so, a bundle is public; and what the answer is worth is judged as ever.
        if (identity.Bundles.IsForgottenBy(SignedBundle.Parse(answer.SignedBundle).Bundle))
        {
            try
            {
                answer = await AnySiloAsync(contact.ProvisionalTls(Alpn), client => OfferAsync(client, identity.Bundles.Held!, cancellationToken));
            }
            catch (RpcException refusal)
            {
                // The rules of succession say whether theirs may follow none the less.
                Log.OfferRefused(logger, identity.Bundles.Held!.Bundle.Sequence, refusal.Status.Detail);
            }
        }

        return contact.Accept(answer.SignedBundle);
    }

    private async Task<FetchBundleResponse> OfferAsync(
        ControlPlaneEnrollment.ControlPlaneEnrollmentClient client, SignedBundle held, CancellationToken cancellationToken)
    {
        using var call = client.OfferBundle(deadline: Deadline(), cancellationToken: cancellationToken);
        foreach (var piece in OfferedBundle.Pieces(held))
        {
            await call.RequestStream.WriteAsync(new OfferBundleRequest { Piece = piece }, cancellationToken);
        }

        await call.RequestStream.CompleteAsync();
        var answer = await call;
        Log.BundleOffered(logger, held.Bundle.Sequence);
        return answer;
    }

    private async Task<CertifyResponse> CertifyAsync(
        SpiffeId id, Func<ControlPlaneEnrollment.ControlPlaneEnrollmentClient, byte[], AsyncUnaryCall<CertifyResponse>> call)
    {
        var pending = _pending ??= new PendingRequest(id);
        CertifyResponse answer;
        try
        {
            answer = await CallAsync(client => call(client, pending.Csr));
        }
        catch (RpcException refusal) when (refusal.StatusCode is StatusCode.InvalidArgument or StatusCode.Unauthenticated
            or StatusCode.PermissionDenied or StatusCode.FailedPrecondition or StatusCode.NotFound)
        {
            // The silo has looked at it and said no; after anything else it may yet be issued.
            pending.Dispose();
            (_pending, _refused) = (null, null);
            throw;
        }

        _pending = null;
        Use(answer, pending.Complete([.. answer.Chain.Select(der => der.Memory)]), id);
        return answer;
    }

    // Whatever becomes of it here, the silos have issued it and know its key as the last: the next request is proven with it.
    private void Use(CertifyResponse answer, SvidCredential credential, SpiffeId expected)
    {
        if (credential.Svid.Id != expected)
        {
            credential.Dispose();
            throw new ServerRefusedException($"A certificate of {credential.Svid.Id} was issued, and {expected} was asked for.");
        }

        _refused = credential;
        identity.Bundles.AcceptUnlessOlder(answer.SignedBundle);
        var verification = identity.Verifier.Verify(credential.Svid.Chain, identity.Bundle, expected);
        if (!verification.IsValid)
        {
            throw new ServerRefusedException($"The silo's answer does not verify: {verification.Detail}");
        }

        _refused = null;
        identity.Use(credential);
        cluster.Use(answer.Gateways, answer.EnrollmentAddresses);
    }

    private async Task<CertifyResponse> CallAsync(Func<ControlPlaneEnrollment.ControlPlaneEnrollmentClient, AsyncUnaryCall<CertifyResponse>> call)
    {
        var isRefused = false;
        var tls = SvidTls.Client(
            null,
            "mesh",
            chain =>
            {
                var verification = ControlPlanePeer.Check(identity, chain, IdentityRole.Silo);
                isRefused |= !verification.IsValid;
                return verification;
            },
            Alpn);
        try
        {
            return await AnySiloAsync(tls, client => call(client).ResponseAsync);
        }
        catch (RpcException) when (isRefused)
        {
            if (!await CatchUpAsync())
            {
                throw;
            }

            return await AnySiloAsync(tls, client => call(client).ResponseAsync);
        }
    }

    // Every silo that this process has heard of, in any order, until one answers. A silo that did answer, with a refusal, is
    // believed: the next would say the same.
    private async Task<T> AnySiloAsync<T>(
        SslClientAuthenticationOptions tls, Func<ControlPlaneEnrollment.ControlPlaneEnrollmentClient, Task<T>> call)
    {
        Uri[] addresses = [.. cluster.EnrollmentAddresses.Concat(_tokenAddresses).Distinct()];
        Random.Shared.Shuffle(addresses);
        for (var i = 0; ; i++)
        {
            try
            {
                using var channel = Open(addresses[i], tls);
                return await call(new ControlPlaneEnrollment.ControlPlaneEnrollmentClient(channel));
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded && i + 1 < addresses.Length)
            {
            }
        }
    }

    private static GrpcChannel Open(Uri address, SslClientAuthenticationOptions tls) => GrpcChannel.ForAddress(
        address,
        new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { SslOptions = tls, ConnectTimeout = TimeSpan.FromSeconds(5), UseProxy = false },
            DisposeHttpClient = true,
        });

    private DateTime Deadline() => (clock.GetUtcNow() + CallLimit).UtcDateTime;

    private static partial class Log
    {
        [LoggerMessage(EventId = 3008, Level = LogLevel.Error, Message = "The silos were restored, have forgotten trust bundle {Sequence}, and did not take it back: {Reason}")]
        public static partial void OfferRefused(ILogger logger, long sequence, string reason);

        [LoggerMessage(EventId = 3007, Level = LogLevel.Warning, Message = "The silos were restored and had forgotten trust bundle {Sequence}, which was held here; it was given back")]
        public static partial void BundleOffered(ILogger logger, long sequence);
    }
}
