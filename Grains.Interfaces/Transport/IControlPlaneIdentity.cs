using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>What a silo or ProxyHost shows and trusts on Orleans' own ports. Read anew at each handshake, so that both renew without a restart.</summary>
public interface IControlPlaneIdentity
{
    /// <summary>The process's own certificate and key.</summary>
    SvidCredential Credential { get; }

    /// <summary>The trust bundle in force.</summary>
    TrustBundle Bundle { get; }

    /// <summary>Decides about peers.</summary>
    SvidVerifier Verifier { get; }
}
