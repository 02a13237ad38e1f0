namespace Mesh.Spiffe;

/// <summary>Recognises a TLS ClientHello in the first bytes of a connection.</summary>
public static class ClientHelloReader
{
    /// <summary>Reads the first bytes.</summary>
    public static ClientHelloResult Read(ReadOnlySpan<byte> prefix) => throw new NotImplementedException();
}
