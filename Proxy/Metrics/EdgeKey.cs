using Mesh.Proxy.V1;

namespace Mesh.Proxy.Metrics;

/// <summary>Between whom, in which way. Linkerd's words for TLS and its absence.</summary>
/// <param name="Kind">Application, ingress, probe or scrape.</param>
/// <param name="Direction">To the workload, or from it.</param>
/// <param name="PeerId">The other side's verified SPIFFE ID; empty where it has none.</param>
/// <param name="Service">Outbound: the service asked for.</param>
/// <param name="Port">Of the application, the service or the admin listener.</param>
/// <param name="Tls">true, opaque, disabled, no_identity.</param>
/// <param name="NoTlsReason">Why not, where it is not true.</param>
/// <param name="Protocol">TLSv1.3, TLS, HTTP/1.1, TCP.</param>
/// <param name="ServerName">Opaque: the DNS name that the client's TLS asks for (SNI), as <c>ClientHelloReader</c> reads it; empty where it asks for none.</param>
internal sealed record EdgeKey(
    EdgeKind Kind, Direction Direction, string PeerId, string Service, int Port, string Tls, string NoTlsReason, string Protocol, string ServerName = "");
