using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe;

/// <summary>The certificate of a bundle key: what an anchor signs, and what a bundle's signature is checked with.</summary>
/// <remarks>Signed by an anchor directly, no authority, key usage digitalSignature, and as its one URI name the trust domain's own
/// SPIFFE ID, which has no path: it can be neither a leaf nor an issuer, nor sign for another trust domain under a common anchor.</remarks>
public static class BundleKeyCertificate
{
    /// <summary>A request with every extension in place, for the anchor's key to sign: <c>request.Create(anchor, …)</c>.</summary>
    /// <param name="trustDomain">The trust domain whose bundles the key signs.</param>
    /// <param name="bundleKey">A key on P-256; only its public half is used.</param>
    /// <param name="anchor">The anchor that will sign; its key identifier goes into the request.</param>
    public static CertificateRequest CreateRequest(TrustDomainName trustDomain, ECDsa bundleKey, X509Certificate2 anchor)
    {
        var request = new CertificateRequest("CN=bundle key", bundleKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(SvidAlternativeName.Create(trustDomain.Id));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(anchor, true, false));
        return request;
    }

    /// <summary>Checks a bundle key's certificate; returns it, or why it is refused.</summary>
    internal static ParsedCertificate? Verify(
        ReadOnlyMemory<byte> der,
        TrustDomainName trustDomain,
        IEnumerable<TrustAnchor> anchors,
        IReadOnlyList<Revocation> revocations,
        DateTimeOffset now,
        out string? refusal)
    {
        var certificate = CertificateParser.Parse(der);
        var validity = new ValidityRules(now, SvidProfile.ClockSkew, Grace: TimeSpan.Zero);
        var (path, broken) = PathBuilder.Find(
            [certificate],
            [.. anchors.Select(anchor => CertificateParser.Parse(anchor.CertificateDer))],
            candidate => PathRules.Check(candidate)
                ?? CheckPurpose(candidate.Leaf, trustDomain)
                ?? CheckRevocations(candidate, revocations)
                ?? validity.Check(candidate));
        refusal = broken?.Detail;
        return path?.Leaf;
    }

    private static Refusal? CheckPurpose(ParsedCertificate certificate, TrustDomainName trustDomain)
    {
        if (certificate.Extensions is not { IsAuthority: false, KeyUsage: { Critical: true, DigitalSignature: true } })
        {
            return new Refusal(SvidRejection.KeyUsage, "The bundle key's certificate is an authority's, or may not make digital signatures.");
        }

        return certificate.Extensions.AlternativeNames?.Uris is [var uri] && uri == trustDomain.Id.ToString()
            ? null
            : new Refusal(SvidRejection.InvalidSpiffeId, $"The bundle key's certificate must have {trustDomain.Id} as its one URI name.");
    }

    private static Refusal? CheckRevocations(CertificatePath path, IReadOnlyList<Revocation> revocations) =>
        path.Certificates.FirstOrDefault(element => revocations.Any(revocation => revocation.KeyHash == element.KeyHash)) is { } revoked
            ? new Refusal(SvidRejection.Revoked, $"The certificate {revoked.Label} is revoked.")
            : null;
}
