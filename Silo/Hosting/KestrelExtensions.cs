using System.Net;
using System.Net.Security;
using Mesh.Silo.Identity;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Mesh.Silo.Hosting;

/// <summary>The silo's listeners: HTTPS for enrollment and administration, a unix socket for the local CLI, plain HTTP for probes.</summary>
internal static class KestrelExtensions
{
    private const int MaxRequestBytes = 64 * 1024;

    private static readonly SslApplicationProtocol[] Alpn = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    public static void UseMeshListeners(this KestrelServerOptions kestrel, SiloOptions options, DataFolder folder)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 1_000;
        kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.Http2.MaxStreamsPerConnection = 100;
        kestrel.Listen(IPEndPoint.Parse(options.HttpsListen), listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = TimeSpan.FromSeconds(10),
                OnConnection = _ => ValueTask.FromResult(SvidTls.ServerWithoutClientCertificate(
                    kestrel.ApplicationServices.GetRequiredService<SiloIdentity>().Credential, Alpn)),
            });
        });
        kestrel.Listen(IPEndPoint.Parse(options.AdminListen), listen => listen.Protocols = HttpProtocols.Http1);
        kestrel.ListenAdminSocket(folder);
    }

    /// <summary>The unix socket for the local command line.</summary>
    public static void ListenAdminSocket(this KestrelServerOptions kestrel, DataFolder folder)
    {
        // The lock on the folder says that a socket which is still there is a dead silo's.
        File.Delete(folder.AdminSocket);
        kestrel.ListenUnixSocket(folder.AdminSocket, listen => listen.Protocols = HttpProtocols.Http2);
    }
}
