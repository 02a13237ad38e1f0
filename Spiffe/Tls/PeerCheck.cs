namespace Mesh.Spiffe;

/// <summary>Judges the chain that a peer showed in its TLS handshake; whatever it returns is the only verdict.</summary>
/// <param name="chainDer">DER, leaf first; empty where the peer showed none.</param>
public delegate SvidVerification PeerCheck(IReadOnlyList<ReadOnlyMemory<byte>> chainDer);
