namespace Mesh.Spiffe;

/// <summary>What verifying a chain came to.</summary>
/// <param name="Rejection">Which rule it broke; <see cref="SvidRejection.None"/> when valid.</param>
/// <param name="Svid">What the chain claims, as far as it could be read. Trust it only when <see cref="IsValid"/>.</param>
/// <param name="Detail">A sentence that an operator can act on.</param>
/// <param name="ValidUntil">The earliest expiry in the path; <see cref="DateTimeOffset.MinValue"/> when refused.</param>
public sealed record SvidVerification(SvidRejection Rejection, X509Svid? Svid, string Detail, DateTimeOffset ValidUntil)
{
    /// <summary>The anchor that the path ends in; null when refused.</summary>
    public KeyHash? Anchor { get; init; }

    /// <summary>Whether every rule held.</summary>
    public bool IsValid => Rejection is SvidRejection.None;

    /// <summary>The same SVID, refused by a rule of the caller's.</summary>
    public SvidVerification Refused(SvidRejection rejection, string detail) =>
        new(rejection, Svid, detail, DateTimeOffset.MinValue);
}
