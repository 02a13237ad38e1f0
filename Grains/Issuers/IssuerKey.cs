using Mesh.Grains.Certificates;

namespace Mesh.Grains.Issuers;

/// <summary>The key of issuer and signer grains: TRUST-DOMAIN/PURPOSE.</summary>
internal static class IssuerKey
{
    public static string Of(string trustDomain, AuthorityPurpose purpose) => $"{trustDomain}/{purpose.Word()}";

    public static (string TrustDomain, AuthorityPurpose Purpose) Parse(string key) =>
        key.Split('/') is [var trustDomain, var purpose]
            ? (trustDomain, AuthorityPurposes.Parse(purpose))
            : throw new FormatException($"'{key}' is not TRUST-DOMAIN/PURPOSE.");
}
