namespace Mesh.Spiffe;

/// <summary>Where an anchor stands in its life. All four stages verify; only the active one signs.</summary>
public enum AnchorStage
{
    /// <summary>Published, and signs nothing yet.</summary>
    Prepared,

    /// <summary>Signs issuers.</summary>
    Active,

    /// <summary>Its key is kept elsewhere, for the day the active one is lost.</summary>
    Standby,

    /// <summary>Signs nothing any more, and leaves the bundle when nothing it signed is left.</summary>
    Retiring,
}

/// <summary>A certificate that paths of its trust domain may end in.</summary>
/// <param name="CertificateDer">One certificate, DER, at most 16 KiB.</param>
/// <param name="KeyHash">The hash of its public key.</param>
/// <param name="Stage">Where it stands in its life.</param>
public sealed record TrustAnchor(ReadOnlyMemory<byte> CertificateDer, KeyHash KeyHash, AnchorStage Stage)
{
    /// <summary>Reads an anchor's certificate and computes the hash of its key.</summary>
    /// <exception cref="FormatException">Not one strictly encoded certificate.</exception>
    public static TrustAnchor FromCertificate(ReadOnlyMemory<byte> certificateDer, AnchorStage stage) =>
        new(certificateDer, CertificateParser.Parse(certificateDer).KeyHash, stage);
}
