namespace Mesh.Spiffe;

/// <summary>What makes a certificate an authority (RFC 5280 §4.2.1.3, §4.2.1.9; X509-SVID §4).</summary>
internal static class AuthorityRules
{
    public static Refusal? Check(CertificatePath path) =>
        path.Authorities.Select(authority => Check(authority, path.Name(authority))).FirstOrDefault(refusal => refusal is not null);

    private static Refusal? Check(ParsedCertificate authority, string name)
    {
        var extensions = authority.Extensions;
        var problem = extensions switch
        {
            { BasicConstraints: null } => "has no basic constraints",
            { BasicConstraints.IsAuthority: false } => "is no authority by its basic constraints",
            { BasicConstraints.Critical: false } => "has basic constraints that are not critical",
            { KeyUsage: null } => "has no key usage",
            { KeyUsage.KeyCertSign: false } => "may not sign certificates by its key usage",
            { NameConstraints.Critical: false } => "has name constraints that are not critical",
            _ when authority.HasEmptySubject => "has an empty subject",
            _ => null,
        };
        return problem is null
            ? null
            : new Refusal(SvidRejection.InvalidAuthority, $"{name} {problem}, and stands in the place of an issuer.");
    }
}
