namespace Mesh.Spiffe;

/// <summary>Which rule an SVID broke; the first in the order of checking.</summary>
public enum SvidRejection
{
    /// <summary>None: the SVID is valid.</summary>
    None,

    /// <summary>The peer sent no certificate.</summary>
    EmptyChain,

    /// <summary>A certificate is no strict DER, too large, or breaks RFC 5280's own form.</summary>
    Malformed,

    /// <summary>No bundle is held for the trust domain.</summary>
    ForeignTrustDomain,

    /// <summary>Not exactly one URI SAN, or it is no SPIFFE ID.</summary>
    InvalidSpiffeId,

    /// <summary>An authority, or an ID without a path, in the place of a leaf (X509-SVID §4.1).</summary>
    NotALeaf,

    /// <summary>The leaf's key usage (X509-SVID §4.3).</summary>
    KeyUsage,

    /// <summary>The leaf's extended key usage lacks a use (X509-SVID §4.4).</summary>
    ExtendedKeyUsage,

    /// <summary>A validity has not begun.</summary>
    NotYetValid,

    /// <summary>A validity has ended.</summary>
    Expired,

    /// <summary>No path leads to an anchor of the trust domain's bundle.</summary>
    UnknownAuthority,

    /// <summary>An issuer was found, and the signature is not its own.</summary>
    BadSignature,

    /// <summary>A key or signature algorithm that is not accepted.</summary>
    WeakKey,

    /// <summary>A certificate that may not sign stands in an issuer's place.</summary>
    InvalidAuthority,

    /// <summary>A path length constraint, or the longest path that is followed.</summary>
    PathLength,

    /// <summary>A name constraint (RFC 5280 §4.2.1.10).</summary>
    NameConstraint,

    /// <summary>A critical extension that this verifier doesn't know.</summary>
    UnknownCriticalExtension,

    /// <summary>A control-plane identity under another issuer, or another identity under a control-plane issuer.</summary>
    IssuerPurpose,

    /// <summary>A key of the path is revoked.</summary>
    Revoked,

    /// <summary>The identity is banned, and the leaf was issued before the cut-off.</summary>
    Banned,

    /// <summary>A valid identity that is not the expected one.</summary>
    UnexpectedIdentity,

    /// <summary>A valid identity that the caller's own policy refuses; the verifier itself never says so.</summary>
    NotPermitted,
}
