namespace Mesh.Spiffe;

/// <summary>What RFC 5280 demands of each certificate of a path, leaf and anchor included.</summary>
internal static class CertificateRules
{
    public static Refusal? Check(CertificatePath path)
    {
        foreach (var certificate in path.Certificates)
        {
            if (Check(certificate, path.Name(certificate)) is { } refusal)
            {
                return refusal;
            }
        }

        // RFC 5280 §4.1.2.2. Anchors are exempt: they are trusted by configuration, and some of SPIRE's number themselves zero.
        return path.Certificates.SkipLast(1).FirstOrDefault(certificate => certificate.SerialNumber.Span.IndexOfAnyExcept((byte)0) < 0) is { } zero
            ? new Refusal(SvidRejection.Malformed, $"{path.Name(zero)} has the serial number zero.")
            : null;
    }

    private static Refusal? Check(ParsedCertificate certificate, string name)
    {
        var extensions = certificate.Extensions;
        if (certificate.Version != 3)
        {
            return new Refusal(SvidRejection.Malformed, $"{name} is no X.509 version 3 certificate.");
        }

        if (extensions.UnknownCritical.Count > 0)
        {
            return new Refusal(
                SvidRejection.UnknownCriticalExtension,
                $"{name} has the critical extension {extensions.UnknownCritical[0]}, which this verifier doesn't know.");
        }

        if (PublicKeys.Weakness(certificate.SubjectPublicKeyInfo) is { } weakness)
        {
            return new Refusal(SvidRejection.WeakKey, $"{name} has a key that is not accepted: {weakness}.");
        }

        // RFC 5280 §4.2.1.6
        if (certificate.HasEmptySubject && extensions.AlternativeNames is not { Critical: true })
        {
            return new Refusal(SvidRejection.Malformed, $"{name} has an empty subject, so that its alternative names must be critical.");
        }

        if (extensions.IsAuthority)
        {
            return null;
        }

        // RFC 5280 §4.2.1.9 and §4.2.1.10
        return extensions switch
        {
            { KeyUsage.KeyCertSign: true } => new Refusal(SvidRejection.InvalidAuthority, $"{name} may sign certificates by its key usage, and is no authority."),
            { NameConstraints: not null } => new Refusal(SvidRejection.Malformed, $"{name} has name constraints, which only an authority may have."),
            _ => null,
        };
    }
}
