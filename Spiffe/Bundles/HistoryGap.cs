namespace Mesh.Spiffe;

/// <summary>
/// Sequences that were handed out before a backup was restored and that its trust domain does not remember. Whoever holds a bundle of
/// one of them offers it back, so that no revocation or ban is forgotten.
/// </summary>
/// <param name="After">The newest sequence that is remembered.</param>
/// <param name="Before">The sequence with which the restored trust domain began.</param>
public sealed record HistoryGap(long After, long Before)
{
    /// <summary>Whether a bundle of this sequence says what the trust domain has forgotten.</summary>
    public bool Holds(long sequence) => After < sequence && sequence < Before;
}
