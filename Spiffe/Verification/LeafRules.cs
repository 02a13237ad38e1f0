namespace Mesh.Spiffe;

/// <summary>What makes a certificate an X.509-SVID's leaf (X509-SVID §4, §5.2).</summary>
internal static class LeafRules
{
    public static Refusal? Check(ParsedCertificate leaf, SpiffeId id) =>
        CheckPlace(leaf, id) ?? CheckKeyUsage(leaf.Extensions.KeyUsage) ?? CheckExtendedKeyUsage(leaf.Extensions.ExtendedKeyUsage);

    private static Refusal? CheckPlace(ParsedCertificate leaf, SpiffeId id)
    {
        if (leaf.Extensions.IsAuthority)
        {
            return new Refusal(SvidRejection.NotALeaf, "The peer showed an authority's certificate in the place of a leaf.");
        }

        return id.Path.Length == 0
            ? new Refusal(SvidRejection.NotALeaf, $"The leaf's ID {id} is the trust domain itself; a leaf's ID has a path.")
            : null;
    }

    private static Refusal? CheckKeyUsage(KeyUsage? usage)
    {
        var problem = usage switch
        {
            null => "has no key usage",
            { Critical: false } => "has a key usage that is not critical",
            { DigitalSignature: false } => "may not make digital signatures by its key usage",
            { KeyCertSign: true } => "may sign certificates by its key usage",
            { CrlSign: true } => "may sign revocation lists by its key usage",
            _ => null,
        };
        return problem is null ? null : new Refusal(SvidRejection.KeyUsage, $"The leaf {problem}.");
    }

    private static Refusal? CheckExtendedKeyUsage(IReadOnlyList<string>? uses) =>
        uses is null || (uses.Contains(Oids.ServerAuthentication) && uses.Contains(Oids.ClientAuthentication))
            ? null
            : new Refusal(SvidRejection.ExtendedKeyUsage, "The leaf's extended key usage lacks serverAuth or clientAuth; it must have both, or be absent.");
}
