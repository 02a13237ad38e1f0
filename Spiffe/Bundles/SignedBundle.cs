using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>A trust bundle as it travels.</summary>
public sealed record SignedBundle
{
    private SignedBundle(string jws, TrustBundle bundle, string digest) => (Jws, Bundle, Digest) = (jws, bundle, digest);

    /// <summary>The compact JWS.</summary>
    public string Jws { get; }

    /// <summary>The content, unverified.</summary>
    public TrustBundle Bundle { get; }

    /// <summary>Lower-case hex of the SHA-256 of the payload.</summary>
    public string Digest { get; }

    /// <summary>Signs a bundle.</summary>
    public static SignedBundle Sign(TrustBundle bundle, ECDsa bundleKey, ReadOnlyMemory<byte> bundleKeyCertificateDer) => throw new NotImplementedException();

    /// <summary>Reads a signed bundle.</summary>
    public static SignedBundle Parse(string jws) => new(jws, null!, "");

    /// <summary>Verifies the first bundle.</summary>
    public void VerifyFirstContact(TrustDomainName expected, IReadOnlyCollection<KeyHash> pinnedAnchors, DateTimeOffset now) => throw new NotImplementedException(Jws);

    /// <summary>Verifies a later bundle.</summary>
    public void VerifySuccessor(TrustBundle lastAccepted, DateTimeOffset now) => throw new NotImplementedException(Jws);
}
