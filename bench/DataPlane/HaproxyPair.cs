using System.Net;

namespace Mesh.Bench.DataPlane;

/// <summary>
/// HAProxy as Debian has it: bytes alone, TLS 1.3 alone, no resumption, no log. Each side checks the other's chain and whether it is the
/// one that is expected: the client by the server's DNS name, the server by the client's common name, since HAProxy has no word for URIs.
/// </summary>
internal sealed class HaproxyPair(IPEndPoint backend, string folder, IReadOnlyDictionary<string, string> environment)
    : ForeignPair(backend, folder, environment)
{
    private const string Common = """
        global
          maxconn 6000
          nbthread 2
        defaults
          mode tcp
          timeout connect 5s
          timeout client 1h
          timeout server 1h

        """;

    public override string Name => "haproxy";

    protected override string Package => "haproxy";

    protected override string Program => "/usr/sbin/haproxy";

    protected override string Inbound() => $$"""
        {{Common}}
        frontend mesh
          bind {{Tapped.Inbound}} ssl crt {{Pem(PeerKeys.Back)}} ca-file {{Pem(PeerKeys.Anchor)}} verify required ssl-min-ver TLSv1.3 no-tls-tickets
          tcp-request content reject unless { ssl_c_s_dn(cn) -m str {{PeerKeys.Front}} }
          default_backend application
        backend application
          server application {{Backend}}

        """;

    protected override string Outbound() => $"{Common}{Way("direct", Entrance, Tapped.Inbound)}{Way("tapped", Tapped.Entrance, Tapped.Tap)}";

    protected override IEnumerable<string> Arguments(string configuration) => ["-db", "-f", configuration];

    private string Way(string name, IPEndPoint listen, IPEndPoint to) => $"""
        frontend {name}
          bind {listen}
          default_backend {name}
        backend {name}
          server mesh {to} ssl crt {Pem(PeerKeys.Front)} ca-file {Pem(PeerKeys.Anchor)} verify required verifyhost {PeerKeys.Back} ssl-min-ver TLSv1.3 no-ssl-reuse

        """;
}
