namespace Mesh.Spiffe;

/// <summary>How much of a hurry there is to replace a certificate. Ordered: a larger one is more urgent.</summary>
public enum RenewalUrgency
{
    /// <summary>When its time has come.</summary>
    InTime,

    /// <summary>Before long: its anchor is retiring, and cannot go while certificates under it are held.</summary>
    Soon,

    /// <summary>At once: it is refused.</summary>
    AtOnce,
}
