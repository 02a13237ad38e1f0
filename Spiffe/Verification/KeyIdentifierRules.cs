namespace Mesh.Spiffe;

/// <summary>Key identifiers are there, so that path building never has to guess (RFC 5280 §4.2.1.1, §4.2.1.2).</summary>
/// <remarks>That they match is a condition for being an issuer's candidate at all.</remarks>
internal static class KeyIdentifierRules
{
    public static Refusal? Check(CertificatePath path)
    {
        foreach (var authority in path.Authorities)
        {
            if (authority.Extensions.SubjectKeyIdentifier is null)
            {
                return new Refusal(SvidRejection.InvalidAuthority, $"{path.Name(authority)} has no subject key identifier.");
            }
        }

        foreach (var certificate in path.Certificates)
        {
            var mayLack = ReferenceEquals(certificate, path.Anchor) && certificate.IsSelfIssued;
            if (!mayLack && certificate.Extensions.AuthorityKeyIdentifier is null)
            {
                return new Refusal(
                    ReferenceEquals(certificate, path.Leaf) ? SvidRejection.Malformed : SvidRejection.InvalidAuthority,
                    $"{path.Name(certificate)} has no authority key identifier.");
            }
        }

        return null;
    }
}
