namespace Mesh.Spiffe;

/// <summary>RFC 5280's rules for a path, in their order; SPIFFE's own come on top.</summary>
internal static class PathRules
{
    public static Refusal? Check(CertificatePath path) =>
        CertificateRules.Check(path)
        ?? AuthorityRules.Check(path)
        ?? KeyIdentifierRules.Check(path)
        ?? PathLengthRules.Check(path)
        ?? NameConstraintRules.Check(path);
}
