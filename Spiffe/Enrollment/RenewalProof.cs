using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Proof that a certificate request comes from the instance that a leaf was last issued to.</summary>
/// <remarks>An ECDSA signature (SHA-256, IEEE P1363) over <c>"mesh-orleans/renewal/v1\0"</c> and the SHA-256 of the request.</remarks>
public static class RenewalProof
{
    /// <summary>Signs a PKCS #10 request with the key that is being replaced.</summary>
    public static byte[] Create(SvidCredential current, ReadOnlySpan<byte> csr) => current.Sign(Statement(csr));

    /// <summary>Whether the leaf's key signed the request. It says nothing of the leaf's own validity.</summary>
    /// <exception cref="FormatException">The leaf is no certificate.</exception>
    public static bool Verify(ReadOnlySpan<byte> leafDer, ReadOnlySpan<byte> csr, ReadOnlySpan<byte> proof)
    {
        var leaf = CertificateParser.Parse(leafDer.ToArray());
        using var key = PublicKeys.ImportEcdsa(leaf.SubjectPublicKeyInfo, out _);
        return key is not null && key.VerifyData(Statement(csr), proof, HashAlgorithmName.SHA256);
    }

    private static byte[] Statement(ReadOnlySpan<byte> csr) =>
        [.. "mesh-orleans/renewal/v1\0"u8, .. SHA256.HashData(csr)];
}
