using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Net.Client;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using EnrollmentClient = Mesh.Proxy.V1.Enrollment.EnrollmentClient;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A test that plays a proxy towards the real ProxyHost, and may cheat.</summary>
internal sealed class TestProxy : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <param name="address">The ProxyHost.</param>
    /// <param name="credential">What the client shows; null: nothing, as for enrollment.</param>
    /// <param name="from">The address that it comes from; null: whichever.</param>
    public TestProxy(Uri address, SvidCredential? credential = null, IPAddress? from = null)
    {
        var tls = SvidTls.Client(credential, "mesh", _ => Trusting, [SslApplicationProtocol.Http2]);
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = tls,
                UseProxy = false,
                ConnectCallback = async (context, cancellationToken) =>
                    new NetworkStream(await Sockets.ConnectAsync(context.DnsEndPoint, from, cancellationToken), ownsSocket: true),
            },
            DisposeHttpClient = true,
            MaxSendMessageSize = null,
        });
        Enrollment = new EnrollmentClient(_channel);
        Session = new ProxySession.ProxySessionClient(_channel);
    }

    public EnrollmentClient Enrollment { get; }

    public ProxySession.ProxySessionClient Session { get; }

    public GrpcChannel Channel => _channel;

    // Whom the test talks to is not what these tests are about.
    private static SvidVerification Trusting => new(SvidRejection.None, null, "", DateTimeOffset.MaxValue);

    /// <summary>Enrolls with a key of the test's own.</summary>
    public static async Task<(SvidCredential Credential, CertifyResponse Answer)> EnrollAsync(MeshUnderTest mesh, string workload, ECDsa? key = null)
    {
        key ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var proxy = new TestProxy(mesh.ProxyHostUrl);
        var answer = await proxy.Enrollment.EnrollAsync(new EnrollRequest
        {
            Token = await mesh.TokenAsync(workload),
            Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(mesh.IdOf(workload), key)),
        });
        return (SvidCredential.Create([.. answer.Chain.Select(der => der.Memory)], key), answer);
    }

    public void Dispose() => _channel.Dispose();
}
