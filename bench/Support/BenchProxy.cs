using System.Net.Security;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Bench.Support;

/// <summary>A proxy as the ProxyHost sees one, which may send anything.</summary>
internal sealed class BenchProxy : IDisposable
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    private readonly GrpcChannel _channel;
    private readonly CallInvoker _calls;

    public BenchProxy(Uri proxyHost, SvidCredential? credential)
    {
        // Whom it talks to is not what is measured.
        var tls = SvidTls.Client(
            credential, "mesh", _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [SslApplicationProtocol.Http2]);
        _channel = GrpcChannel.ForAddress(proxyHost, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = tls,
                UseProxy = false,
                // As the proxy's: see Proxy/Session/ProxyHostClient.cs.
                ConnectTimeout = TimeSpan.FromSeconds(5),
                KeepAlivePingDelay = TimeSpan.FromSeconds(1),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(1),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            },
            DisposeHttpClient = true,
        });
        _calls = _channel.CreateCallInvoker();
        Session = new ProxySession.ProxySessionClient(_channel);
        Enrollment = new Enrollment.EnrollmentClient(_channel);
    }

    public ProxySession.ProxySessionClient Session { get; }

    public Enrollment.EnrollmentClient Enrollment { get; }

    /// <summary>A certificate on the strength of a token, for a key of its own.</summary>
    public static async Task<SvidCredential> EnrollAsync(Uri proxyHost, string token)
    {
        using var proxy = new BenchProxy(proxyHost, null);
        return await proxy.EnrollAsync(token);
    }

    /// <summary>Likewise, on this connection.</summary>
    public async Task<SvidCredential> EnrollAsync(string token)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await Enrollment.EnrollAsync(new EnrollRequest
        {
            Token = token,
            Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(JoinToken.ParseUnverified(token).Subject, key)),
        });
        return SvidCredential.Create([.. answer.Chain.Select(der => der.Memory)], key);
    }

    /// <summary>Sends a message to <c>/SERVICE/METHOD</c> and takes the first answer, whatever it is.</summary>
    public async Task<StatusCode> SendAsync(string path, byte[] message, TimeSpan patience)
    {
        var parts = path.Split('/');
        using var limit = new CancellationTokenSource(patience);
        try
        {
            if (parts[2] == "Watch")
            {
                using var watch = _calls.AsyncServerStreamingCall(
                    new Method<byte[], byte[]>(MethodType.ServerStreaming, parts[1], parts[2], Bytes, Bytes), null, new CallOptions(cancellationToken: limit.Token), message);
                await watch.ResponseStream.MoveNext(limit.Token);
                return StatusCode.OK;
            }

            await _calls.AsyncUnaryCall(
                new Method<byte[], byte[]>(MethodType.Unary, parts[1], parts[2], Bytes, Bytes), null, new CallOptions(cancellationToken: limit.Token), message);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
        catch (OperationCanceledException)
        {
            return StatusCode.Cancelled;
        }
    }

    public void Dispose() => _channel.Dispose();
}
