using System.Net.Security;

namespace Mesh.Proxy.Transport;

/// <summary>What proxies agree on in their handshake.</summary>
internal static class MeshProtocol
{
    /// <summary>One TCP stream of the application in one TLS connection.</summary>
    public static readonly SslApplicationProtocol Tcp = new("mesh-orleans/tcp");
}
