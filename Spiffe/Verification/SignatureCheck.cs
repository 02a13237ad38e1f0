using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Whether an issuer's key signed a certificate, with an algorithm and a key that are accepted.</summary>
internal static class SignatureCheck
{
    public static Refusal? Check(ParsedCertificate certificate, ParsedCertificate issuer)
    {
        if (SignatureAlgorithm.Read(certificate.SignatureAlgorithm) is not { } algorithm)
        {
            return new Refusal(
                SvidRejection.WeakKey,
                $"The certificate {certificate.Label} is signed with an algorithm that is not accepted; use ECDSA or RSA with SHA-256, SHA-384 or SHA-512.");
        }

        if (!Verify(certificate, issuer.SubjectPublicKeyInfo, algorithm, out var weakness))
        {
            return weakness is null
                ? new Refusal(
                    SvidRejection.BadSignature,
                    $"The signature of the certificate {certificate.Label} is not by the key of the authority {issuer.Label}, which has the issuer's name.")
                : new Refusal(SvidRejection.WeakKey, $"The authority {issuer.Label} can't have signed the certificate {certificate.Label}: {weakness}.");
        }

        return null;
    }

    private static bool Verify(
        ParsedCertificate certificate,
        ReadOnlyMemory<byte> issuerKey,
        SignatureAlgorithm algorithm,
        out string? weakness)
    {
        if (algorithm.Padding is { } padding)
        {
            using var rsa = PublicKeys.ImportRsa(issuerKey, out weakness);
            return rsa?.VerifyData(certificate.ToBeSigned.Span, certificate.Signature.Span, algorithm.Hash, padding) ?? false;
        }

        using var ecdsa = PublicKeys.ImportEcdsa(issuerKey, out weakness);
        return ecdsa?.VerifyData(
            certificate.ToBeSigned.Span,
            certificate.Signature.Span,
            algorithm.Hash,
            DSASignatureFormat.Rfc3279DerSequence) ?? false;
    }
}
