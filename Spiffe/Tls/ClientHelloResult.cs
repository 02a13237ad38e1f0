namespace Mesh.Spiffe;

/// <summary>What the first bytes of a connection are.</summary>
public enum ClientHelloKind
{
    /// <summary>Something else than a TLS ClientHello.</summary>
    NotTls,

    /// <summary>A ClientHello so far; more bytes are needed.</summary>
    Incomplete,

    /// <summary>A whole ClientHello.</summary>
    ClientHello,
}

/// <summary>What the first bytes of a connection are, and what a whole ClientHello asks for.</summary>
/// <param name="Kind">What they are.</param>
/// <param name="ServerName">The SNI host name in lower case; null where there is none.</param>
/// <param name="Alpn">The protocols offered, most wanted first; empty where there are none.</param>
public sealed record ClientHelloResult(ClientHelloKind Kind, string? ServerName, IReadOnlyList<string> Alpn)
{
    /// <summary>Not TLS.</summary>
    public static readonly ClientHelloResult NotTls = new(ClientHelloKind.NotTls, null, []);

    /// <summary>More bytes are needed.</summary>
    public static readonly ClientHelloResult Incomplete = new(ClientHelloKind.Incomplete, null, []);
}
