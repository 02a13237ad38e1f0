using System.Net.Security;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Control.V1;
using Mesh.Grains.Interfaces.Transport;
using Mesh.ProxyHost.Cluster;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Enrollment;

/// <summary>Gets the ProxyHost its certificates from a silo. The token goes only to a silo that has proven to be one.</summary>
internal sealed class EnrollmentClient(
    ProxyHostIdentity identity, EnrollmentFolder folder, KnownCluster cluster, string tokenFile, TimeProvider clock)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);
    private static readonly SslApplicationProtocol[] Alpn = [SslApplicationProtocol.Http2];

    // What the token names; a token is read again at every enrollment.
    private IReadOnlyList<Uri> _tokenAddresses = [];

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

        using var key = new KeyInUse();
        var csr = CertificateRequestBuilder.CreateCsr(token.Subject, key.Key);
        var answer = await CallAsync(
            client => client.EnrollAsync(
                new EnrollRequest { Token = text, Csr = ByteString.CopyFrom(csr) }, deadline: Deadline(), cancellationToken: cancellationToken));
        Use(answer, key.Release(), token.Subject);
        folder.WriteToken(answer.ReenrollmentToken);
        return answer;
    }

    /// <summary>The next certificate, on the strength of the one that is held.</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        var held = identity.Credential;
        using var key = new KeyInUse();
        var csr = CertificateRequestBuilder.CreateCsr(held.Svid.Id, key.Key);
        var request = new RenewRequest
        {
            Csr = ByteString.CopyFrom(csr),
            Proof = ByteString.CopyFrom(RenewalProof.Create(held, csr)),
            Leaf = ByteString.CopyFrom(held.Svid.LeafDer.Span),
        };
        var answer = await CallAsync(client => client.RenewAsync(request, deadline: Deadline(), cancellationToken: cancellationToken));
        Use(answer, key.Release(), held.Svid.Id);
    }

    private async Task MeetAsync(JoinToken token, CancellationToken cancellationToken)
    {
        var contact = new FirstContact(token, IdentityRole.Silo, clock);
        var answer = await AnySiloAsync(
            contact.ProvisionalTls(Alpn),
            client => client.FetchBundleAsync(new FetchBundleRequest(), deadline: Deadline(), cancellationToken: cancellationToken));
        identity.Bundles.AcceptFirst(contact.Accept(answer.SignedBundle));
    }

    private void Use(CertifyResponse answer, ECDsa key, SpiffeId expected)
    {
        var credential = SvidCredential.Create([.. answer.Chain.Select(der => der.Memory)], key);
        identity.Bundles.Accept(answer.SignedBundle);
        var verification = identity.Verifier.Verify(credential.Svid.Chain, identity.Bundle, expected);
        if (!verification.IsValid)
        {
            credential.Dispose();
            throw new ServerRefusedException($"The silo's answer does not verify: {verification.Detail}");
        }

        identity.Use(credential);
        cluster.Use(answer.Gateways, answer.EnrollmentAddresses);
    }

    private Task<CertifyResponse> CallAsync(Func<ControlPlaneEnrollment.ControlPlaneEnrollmentClient, AsyncUnaryCall<CertifyResponse>> call) =>
        AnySiloAsync(SvidTls.Client(null, "mesh", chain => ControlPlanePeer.Check(identity, chain, IdentityRole.Silo), Alpn), call);

    // Every silo that this process has heard of, in any order, until one answers. A silo that did answer, with a refusal, is
    // believed: the next would say the same.
    private async Task<T> AnySiloAsync<T>(
        SslClientAuthenticationOptions tls, Func<ControlPlaneEnrollment.ControlPlaneEnrollmentClient, AsyncUnaryCall<T>> call)
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

    /// <summary>A new key that is disposed unless a credential takes it over.</summary>
    private sealed class KeyInUse : IDisposable
    {
        private bool _released;

        public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public ECDsa Release()
        {
            _released = true;
            return Key;
        }

        public void Dispose()
        {
            if (!_released)
            {
                Key.Dispose();
            }
        }
    }
}
