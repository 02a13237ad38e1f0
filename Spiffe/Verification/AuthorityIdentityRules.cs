namespace Mesh.Spiffe;

/// <summary>An authority's SPIFFE ID, where it has one, has no path; between leaf and anchor it is of the leaf's own trust domain
/// (X509-SVID §2, §3.2, §4.3).</summary>
internal static class AuthorityIdentityRules
{
    private const string Scheme = "spiffe:";

    public static Refusal? Check(CertificatePath path, TrustDomainName trustDomain)
    {
        foreach (var authority in path.Authorities)
        {
            if (Problem(authority, ReferenceEquals(authority, path.Anchor) ? null : trustDomain) is { } problem)
            {
                return new Refusal(SvidRejection.InvalidAuthority, $"{path.Name(authority)} {problem}");
            }
        }

        return null;
    }

    private static string? Problem(ParsedCertificate authority, TrustDomainName? trustDomain)
    {
        var ids = authority.Extensions.AlternativeNames?.Uris.Where(uri => uri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)).ToList() ?? [];
        if (ids.Count == 0)
        {
            return null;
        }

        if (ids.Count > 1)
        {
            return $"has {ids.Count} SPIFFE IDs.";
        }

        if (!SpiffeId.TryParse(ids[0], out var id, out var error))
        {
            return $"has an ID that is no SPIFFE ID. {error}";
        }

        if (id.Path.Length > 0)
        {
            return $"has the ID {id}; an authority's ID has no path.";
        }

        if (authority.Extensions.KeyUsage is not { Critical: true })
        {
            return $"has the ID {id} and a key usage that is not critical.";
        }

        return trustDomain is null || id.TrustDomain == trustDomain
            ? null
            : $"belongs to the trust domain {id.TrustDomain}, and the leaf to {trustDomain}.";
    }
}
