using System.Net;

namespace Mesh.Bench.DataPlane;

/// <summary>
/// nginx as Debian has it, its stream module: TLS 1.3 alone, no resumption, no log. The outbound one checks chain and name; the inbound
/// one the chain alone, since a stream has no words for more.
/// </summary>
internal sealed class NginxPair(IPEndPoint backend, string folder, IReadOnlyDictionary<string, string> environment)
    : ForeignPair(backend, folder, environment)
{
    private const string Module = "/usr/lib/nginx/modules/ngx_stream_module.so";

    public override string Name => "nginx";

    protected override string Package => "nginx libnginx-mod-stream";

    protected override string Program => "/usr/sbin/nginx";

    protected override string Inbound() => Configuration("in", $$"""
        server {
          listen {{Tapped.Inbound}} ssl;
          proxy_pass {{Backend}};
          proxy_half_close on;
          ssl_certificate {{Pem(PeerKeys.Back)}};
          ssl_certificate_key {{Pem(PeerKeys.Back)}};
          ssl_client_certificate {{Pem(PeerKeys.Anchor)}};
          ssl_verify_client on;
          ssl_verify_depth 3;
          ssl_protocols TLSv1.3;
          ssl_session_tickets off;
          ssl_session_cache off;
        }
        """);

    protected override string Outbound() => Configuration("out", $"{Way(Entrance, Tapped.Inbound)}{Way(Tapped.Entrance, Tapped.Tap)}");

    protected override IEnumerable<string> Arguments(string configuration) => ["-e", "stderr", "-p", Folder, "-c", configuration];

    private string Way(IPEndPoint listen, IPEndPoint to) => $$"""
        server {
          listen {{listen}};
          proxy_pass {{to}};
          proxy_half_close on;
          proxy_ssl on;
          proxy_ssl_certificate {{Pem(PeerKeys.Front)}};
          proxy_ssl_certificate_key {{Pem(PeerKeys.Front)}};
          proxy_ssl_trusted_certificate {{Pem(PeerKeys.Anchor)}};
          proxy_ssl_verify on;
          proxy_ssl_verify_depth 3;
          proxy_ssl_name {{PeerKeys.Back}};
          proxy_ssl_protocols TLSv1.3;
          proxy_ssl_session_reuse off;
        }

        """;

    // A worker keeps the environment's OPENSSL_CONF only where it is named.
    private string Configuration(string side, string servers) => $$"""
        daemon off;
        worker_processes 2;
        worker_rlimit_nofile 16384;
        pid {{Path.Combine(Folder, $"nginx-{side}.pid")}};
        env OPENSSL_CONF;
        load_module {{Module}};
        events { worker_connections 8192; }
        stream {
        {{servers}}
        }

        """;
}
