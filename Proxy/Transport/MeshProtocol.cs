using System.Net.Security;

namespace Mesh.Proxy.Transport;

/// <summary>What proxies agree on in their handshake.</summary>
internal static class MeshProtocol
{
    /// <summary>One TCP stream of the application in one TLS connection.</summary>
    public static readonly SslApplicationProtocol Tcp = new("mesh-orleans/tcp");

    /// <summary>One TCP stream of the application after the other, each with a head of its own.</summary>
    public static readonly SslApplicationProtocol Streams = new("mesh-orleans/1");

    /// <summary>Both, most wanted first, as RFC 7301 §3.1 writes them.</summary>
    public static readonly byte[] Wanted = Encode(Streams, Tcp);

    /// <summary>The simple one alone, likewise.</summary>
    public static readonly byte[] WithoutStreams = Encode(Tcp);

    private static readonly string[] Names = [Streams.ToString(), Tcp.ToString()];

    /// <summary>Whether a protocol that a ClientHello offers is one of them.</summary>
    public static bool IsOurs(string protocol) => Names.Contains(protocol);

    /// <summary>As RFC 7301 §3.1 writes them.</summary>
    public static byte[] Encode(params SslApplicationProtocol[] protocols) =>
        [.. protocols.SelectMany(protocol => protocol.Protocol.ToArray().Prepend((byte)protocol.Protocol.Length))];
}
