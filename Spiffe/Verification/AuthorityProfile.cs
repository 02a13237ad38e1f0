namespace Mesh.Spiffe;

/// <summary>What this mesh asks of an authority that somebody else signed, beyond what every verifier asks of a path.</summary>
/// <remarks>A path is judged with a leaf at its end; what stands here can be said of the certificate alone, and names what is wrong in
/// the words of whoever has to sign it anew (RFC 5280 §4.2.1; X509-SVID §4).</remarks>
public static class AuthorityProfile
{
    /// <summary>Reads the fields that matter of one certificate.</summary>
    /// <exception cref="FormatException">Not one strictly encoded certificate; the message says why.</exception>
    public static AuthorityCertificate Read(ReadOnlyMemory<byte> der)
    {
        var certificate = CertificateParser.Parse(der);
        return new AuthorityCertificate(certificate.KeyHash, certificate.Label, certificate.NotBefore, certificate.NotAfter);
    }

    /// <summary>What keeps a certificate from being an anchor of a trust domain; empty: nothing does.</summary>
    /// <param name="der">The certificate.</param>
    /// <param name="trustDomain">Whose anchor it is to be. An anchor without a SPIFFE ID may be common to several.</param>
    /// <exception cref="FormatException">Not one strictly encoded certificate.</exception>
    public static IReadOnlyList<string> AnchorProblems(ReadOnlyMemory<byte> der, TrustDomainName trustDomain)
    {
        var certificate = CertificateParser.Parse(der);
        var problems = AuthorityProblems(certificate).ToList();
        if (certificate.Extensions.BasicConstraints is { PathLength: 0 })
        {
            problems.Add("its path length is 0, so that no issuer can stand under it; leave it out, or say 1");
        }

        if (!certificate.IsSelfIssued || SignatureCheck.Check(certificate, certificate) is not null)
        {
            problems.Add("it is not signed by its own key");
        }

        if (PublicKeys.CurveOf(certificate.SubjectPublicKeyInfo) is not (Oids.P256 or Oids.P384))
        {
            problems.Add("its key is not ECDSA on P-384 or P-256");
        }

        if (certificate.Extensions.UnknownCritical is [var unknown, ..])
        {
            problems.Add($"its critical extension {unknown} is not known here");
        }

        var names = certificate.Extensions.AlternativeNames?.Uris ?? [];
        if (names.Count > 0 && (names.Count > 1 || names[0] != trustDomain.Id.ToString()))
        {
            problems.Add($"its URI names are {string.Join(", ", names.Select(Describe.Text))}; it may have {trustDomain.Id} or none");
        }

        if (names.Count == 0 && !IsConstrainable(trustDomain))
        {
            problems.Add($"it has no URI name, and {trustDomain} is no DNS name, so that its issuers could not be kept to it; give it the URI name {trustDomain.Id}");
        }

        return problems;
    }

    /// <summary>What keeps a certificate from being an issuer of leaves; empty: nothing that it says itself.</summary>
    /// <param name="der">The certificate.</param>
    /// <param name="trustDomain">Whose leaves it is to sign.</param>
    /// <exception cref="FormatException">Not one strictly encoded certificate.</exception>
    public static IReadOnlyList<string> IssuerProblems(ReadOnlyMemory<byte> der, TrustDomainName trustDomain)
    {
        var certificate = CertificateParser.Parse(der);
        var problems = AuthorityProblems(certificate).ToList();
        if (certificate.Extensions.BasicConstraints is { IsAuthority: true, PathLength: not 0 })
        {
            problems.Add("its path length is not 0 (basicConstraints = critical, CA:true, pathlen:0)");
        }

        if (certificate.Extensions.AuthorityKeyIdentifier is null)
        {
            problems.Add("it has no authority key identifier (authorityKeyIdentifier = keyid)");
        }

        if (IsConstrainable(trustDomain))
        {
            problems.AddRange(ConstraintProblems(certificate.Extensions.NameConstraints, trustDomain));
        }

        return problems;
    }

    private static IEnumerable<string> AuthorityProblems(ParsedCertificate certificate)
    {
        if (certificate.Extensions.BasicConstraints is not { IsAuthority: true, Critical: true })
        {
            yield return "it is no authority (basicConstraints = critical, CA:true)";
        }

        if (certificate.Extensions.KeyUsage is not { KeyCertSign: true, Critical: true })
        {
            yield return "it may not sign certificates (keyUsage = critical, keyCertSign, cRLSign)";
        }

        if (certificate.Extensions.SubjectKeyIdentifier is null)
        {
            yield return "it has no subject key identifier (subjectKeyIdentifier = hash)";
        }

        if (certificate.HasEmptySubject)
        {
            yield return "its subject is empty";
        }
    }

    // Both kinds: a platform that compares hosts of URIs accepts a foreign DNS name where DNS is not constrained, and the other way round.
    private static IEnumerable<string> ConstraintProblems(NameConstraints? constraints, TrustDomainName trustDomain)
    {
        var wanted = $"nameConstraints = critical, permitted;URI:{trustDomain}, permitted;DNS:{trustDomain}";
        if (constraints is not { Critical: true })
        {
            yield return $"it has no critical name constraints ({wanted})";
            yield break;
        }

        foreach (var (kind, word) in new[] { (GeneralNameKind.Uri, "URIs"), (GeneralNameKind.Dns, "DNS names") })
        {
            var permitted = constraints.Permitted.Where(name => name.Kind == kind).ToList();
            if (permitted.Count == 0 || permitted.Exists(name => !string.Equals(name.Text, trustDomain.Name, StringComparison.OrdinalIgnoreCase)))
            {
                yield return $"its name constraints for {word} are not exactly {trustDomain} ({wanted})";
            }
        }
    }

    // Whoever else compares hosts does not expect an underscore.
    private static bool IsConstrainable(TrustDomainName trustDomain) =>
        NameSyntax.IsDnsName(trustDomain.Name) && !trustDomain.Name.Contains('_', StringComparison.Ordinal);
}

/// <summary>An authority's certificate as messages and records name it.</summary>
/// <param name="KeyHash">SHA-256 of its SubjectPublicKeyInfo.</param>
/// <param name="Label">Its common name and the beginning of its key hash.</param>
/// <param name="NotBefore">When it begins.</param>
/// <param name="NotAfter">When it ends.</param>
public sealed record AuthorityCertificate(KeyHash KeyHash, string Label, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
