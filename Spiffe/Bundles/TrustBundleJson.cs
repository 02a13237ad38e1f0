namespace Mesh.Spiffe;

/// <summary>Trust bundles as SPIFFE JWKS.</summary>
public static class TrustBundleJson
{
    /// <summary>Writes a bundle.</summary>
    public static byte[] Write(TrustBundle bundle) => throw new NotImplementedException();

    /// <summary>Reads a bundle of the mesh.</summary>
    public static TrustBundle Read(ReadOnlySpan<byte> json) => throw new NotImplementedException();

    /// <summary>Reads any SPIFFE bundle.</summary>
    public static FederatedBundle ReadSpiffe(TrustDomainName trustDomain, ReadOnlySpan<byte> json) => throw new NotImplementedException();
}
