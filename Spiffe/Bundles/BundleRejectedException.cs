namespace Mesh.Spiffe;

/// <summary>Why a signed bundle was not accepted.</summary>
public enum BundleRejection
{
    /// <summary>Its content can't be used, for example no anchor.</summary>
    Malformed,

    /// <summary>It speaks for another trust domain.</summary>
    ForeignTrustDomain,

    /// <summary>No accepted anchor certifies the key that signed it.</summary>
    UnknownSigner,

    /// <summary>The signature doesn't verify.</summary>
    BadSignature,

    /// <summary>Its sequence is lower than the one already held.</summary>
    OlderSequence,

    /// <summary>It was signed over an hour ago, and a fresh one is held.</summary>
    StaleSignature,

    /// <summary>A revocation is missing whose authority has not expired.</summary>
    DroppedRevocation,

    /// <summary>It has the sequence of the one held, and says something else.</summary>
    SameSequenceOtherContent,

    /// <summary>Its time of signing lies in the future.</summary>
    SignedInFuture,
}

/// <summary>A signed bundle was not accepted; the one held stays in force.</summary>
public sealed class BundleRejectedException : Exception
{
    /// <summary>Creates the refusal.</summary>
    public BundleRejectedException(BundleRejection reason, string message)
        : base(message) => Reason = reason;

    /// <summary>Which rule the bundle broke.</summary>
    public BundleRejection Reason { get; }
}
