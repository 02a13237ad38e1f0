using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.TrustDomains;

/// <summary>One ban, or what is left of it once it was lifted.</summary>
/// <param name="Id">The identity.</param>
/// <param name="Reason">As the operator gave it.</param>
/// <param name="BannedAt">When it was pronounced.</param>
/// <param name="IssuedBefore">Null while the ban stands; afterwards the cut-off: what was issued before it stays refused.</param>
[GenerateSerializer, Immutable, Alias("mesh.ban-status")]
public sealed record BanStatus(
    [property: Id(0)] SpiffeId Id,
    [property: Id(1)] string Reason,
    [property: Id(2)] DateTimeOffset BannedAt,
    [property: Id(3)] DateTimeOffset? IssuedBefore)
{
    /// <summary>Whether the identity is refused whatever it shows.</summary>
    public bool Stands => IssuedBefore is null;
}
