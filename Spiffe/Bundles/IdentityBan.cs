namespace Mesh.Spiffe;

/// <summary>An identity whose leaves issued before a cut-off are refused, also after the ban is lifted.</summary>
/// <remarks>A leaf carries no time of issue but <c>notBefore</c>, which the profile sets to the time of issue minus
/// <see cref="SvidProfile.Backdating"/>, in whole seconds. A leaf is therefore refused when
/// <c>notBefore + Backdating &lt; IssuedBefore</c>: one issued in an earlier second than the ban is refused, one issued after
/// that second passes, and one of the same second is refused, so that the rounding never favours the banned.</remarks>
/// <param name="Id">The identity.</param>
/// <param name="IssuedBefore">The cut-off: when the ban was pronounced.</param>
public sealed record IdentityBan(SpiffeId Id, DateTimeOffset IssuedBefore)
{
    /// <summary>Whether a leaf of this identity with the given <c>notBefore</c> falls under the ban.</summary>
    public bool Refuses(DateTimeOffset leafNotBefore) => leafNotBefore + SvidProfile.Backdating < IssuedBefore;
}
