namespace Mesh.Spiffe;

/// <summary>A key that must not stand in any path of its trust domain: leaf, issuer or anchor.</summary>
/// <param name="KeyHash">The hash that the verifier computes itself over every element of a path.</param>
/// <param name="RevokedAt">When it was revoked.</param>
/// <param name="AuthorityNotAfter">Until when the entry must stay in the bundle: the revoked authority's own expiry.</param>
/// <param name="Reason">What the operator wrote; at most 512 characters.</param>
public sealed record Revocation(KeyHash KeyHash, DateTimeOffset RevokedAt, DateTimeOffset AuthorityNotAfter, string Reason);
