namespace Mesh.Spiffe;

/// <summary>Why a join token was refused.</summary>
public enum JoinTokenRejection
{
    /// <summary>Not a join token at all, too large, or a claim is missing or wrong.</summary>
    Malformed,

    /// <summary>Its <c>kid</c> names no key of the bundle.</summary>
    UnknownKey,

    /// <summary>The signature doesn't verify.</summary>
    BadSignature,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was issued in the future.</summary>
    NotYetValid,

    /// <summary>Issuer or subject belong to another trust domain.</summary>
    WrongTrustDomain,

    /// <summary>It was issued for another purpose.</summary>
    WrongAudience,
}

/// <summary>A join token was refused; the message says why and holds nothing of the token itself.</summary>
public sealed class JoinTokenException : Exception
{
    /// <summary>Creates the refusal.</summary>
    public JoinTokenException(JoinTokenRejection reason, string message, Exception? cause = null)
        : base(message, cause) => Reason = reason;

    /// <summary>Which rule the token broke.</summary>
    public JoinTokenRejection Reason { get; }
}
