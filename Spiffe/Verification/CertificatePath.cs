namespace Mesh.Spiffe;

/// <summary>A path whose names and signatures chain: leaf first, then each issuer, an anchor last.</summary>
internal sealed class CertificatePath(IReadOnlyList<ParsedCertificate> certificates)
{
    public IReadOnlyList<ParsedCertificate> Certificates { get; } = certificates;

    public ParsedCertificate Leaf => Certificates[0];

    public ParsedCertificate DirectIssuer => Certificates[1];

    public ParsedCertificate Anchor => Certificates[^1];

    /// <summary>Everything but the leaf, anchor included.</summary>
    public IEnumerable<ParsedCertificate> Authorities => Certificates.Skip(1);

    /// <summary>Everything between leaf and anchor.</summary>
    public IEnumerable<ParsedCertificate> Intermediates => Certificates.Skip(1).SkipLast(1);

    public DateTimeOffset NotBefore => Certificates.Max(certificate => certificate.NotBefore);

    public DateTimeOffset NotAfter => Certificates.Min(certificate => certificate.NotAfter);

    /// <summary>How messages name an element.</summary>
    public string Name(ParsedCertificate certificate) =>
        ReferenceEquals(certificate, Leaf) ? "The leaf"
        : ReferenceEquals(certificate, Anchor) ? $"The anchor {certificate.Label}"
        : $"The issuer {certificate.Label}";
}
