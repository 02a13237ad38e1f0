using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using Grpc.Core;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ControlV1 = Mesh.Control.V1;
using ProxyV1 = Mesh.Proxy.V1;

namespace Mesh.EndToEnd.Tests.Enrollment;

/// <summary>A server that claims to be a silo or a ProxyHost, and writes down every call that it gets.</summary>
internal sealed class FalseServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FalseServer(WebApplication app, Witness witness, string address) => (_app, Calls, Address) = (app, witness.Calls, address);

    public string Address { get; }

    /// <summary>The calls, by name, with what they carried.</summary>
    public ConcurrentQueue<string> Calls { get; }

    /// <param name="credential">What it shows.</param>
    /// <param name="bundle">What it hands out as the trust bundle.</param>
    /// <param name="listen">Where.</param>
    public static async Task<FalseServer> StartAsync(SvidCredential credential, string bundle, string listen)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        var witness = new Witness(bundle);
        builder.Services.AddSingleton(witness);
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPEndPoint.Parse(listen), endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http2;
            endpoint.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(SvidTls.ServerWithoutClientCertificate(credential, [SslApplicationProtocol.Http2])),
            });
        }));
        var app = builder.Build();
        app.MapGrpcService<Silo>();
        app.MapGrpcService<ProxyHost>();
        await app.StartAsync();
        return new FalseServer(app, witness, listen);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private sealed class Witness(string bundle)
    {
        public ConcurrentQueue<string> Calls { get; } = new();

        public string Bundle => bundle;

        public RpcException Saw(string call)
        {
            Calls.Enqueue(call);
            return new RpcException(new Status(StatusCode.Unavailable, "thank you"));
        }
    }

    private sealed class Silo(Witness witness) : ControlV1.ControlPlaneEnrollment.ControlPlaneEnrollmentBase
    {
        public override Task<ControlV1.FetchBundleResponse> FetchBundle(ControlV1.FetchBundleRequest request, ServerCallContext context)
        {
            witness.Saw("FetchBundle");
            return Task.FromResult(new ControlV1.FetchBundleResponse { SignedBundle = witness.Bundle });
        }

        public override Task<ControlV1.CertifyResponse> Enroll(ControlV1.EnrollRequest request, ServerCallContext context) =>
            throw witness.Saw($"Enroll {request.Token}");
    }

    private sealed class ProxyHost(Witness witness) : ProxyV1.Enrollment.EnrollmentBase
    {
        public override Task<ProxyV1.FetchBundleResponse> FetchBundle(ProxyV1.FetchBundleRequest request, ServerCallContext context)
        {
            witness.Saw("FetchBundle");
            return Task.FromResult(new ProxyV1.FetchBundleResponse { SignedBundle = witness.Bundle });
        }

        public override Task<ProxyV1.CertifyResponse> Enroll(ProxyV1.EnrollRequest request, ServerCallContext context) =>
            throw witness.Saw($"Enroll {request.Token}{request.Jwt}");
    }
}
