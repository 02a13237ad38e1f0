using System.Net.Security;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Net.Client;
using Mesh.Control.V1;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A test that plays a ProxyHost towards the real silo.</summary>
internal static class TestProxyHost
{
    /// <summary>Enrolls with a key of the test's own.</summary>
    public static async Task<SvidCredential> EnrollAsync(MeshUnderTest mesh, string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await ConnectAndEnrollAsync(mesh, await mesh.ProxyHostTokenAsync(name), SpiffeId.ForProxyHost(mesh.TrustDomainName, name), key);
        return SvidCredential.Create([.. answer.Chain.Select(der => der.Memory)], key);
    }

    public static async Task<CertifyResponse> ConnectAndEnrollAsync(MeshUnderTest mesh, string token, SpiffeId id, ECDsa key)
    {
        var tls = SvidTls.Client(
            null, "mesh", _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [SslApplicationProtocol.Http2]);
        using var channel = GrpcChannel.ForAddress(
            $"https://{mesh.SiloHttps}",
            new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { SslOptions = tls, UseProxy = false }, DisposeHttpClient = true });
        return await new ControlPlaneEnrollment.ControlPlaneEnrollmentClient(channel).EnrollAsync(
            new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(id, key)) });
    }
}
