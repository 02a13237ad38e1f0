using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Enrollment;

/// <summary>Certificate requests that must not be signed, each with one thing wrong.</summary>
internal static class WrongRequests
{
    public static readonly IReadOnlyList<string> Names =
    [
        "another identity", "another trust domain", "a control-plane identity", "two URI SANs", "a further DNS SAN", "no SAN", "CA bit", "RSA 1024",
        "P-521", "broken signature", "key swapped after signing", "1 MB of noise", "16 KB of noise", "empty", "trailing bytes",
    ];

    public static byte[] Create(string what, SpiffeId id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = CertificateRequestBuilder.CreateCsr(id, key);
        return what switch
        {
            "another identity" => CertificateRequestBuilder.CreateCsr(SpiffeId.ForWorkload(id.TrustDomain, id.Namespace!, "somebody-else"), key),
            "another trust domain" => CertificateRequestBuilder.CreateCsr(
                SpiffeId.ForWorkload(TrustDomainName.Parse("other.example"), id.Namespace!, id.ServiceAccount!), key),
            "a control-plane identity" => CertificateRequestBuilder.CreateCsr(SpiffeId.ForSilo(id.TrustDomain, "silo-0"), key),
            "two URI SANs" => Build(key, san => { san.AddUri(new Uri(id.ToString())); san.AddUri(new Uri($"spiffe://{id.TrustDomain}/ns/shop/sa/root")); }),
            "a further DNS SAN" => Build(key, san => { san.AddUri(new Uri(id.ToString())); san.AddDnsName("bank.example"); }),
            "no SAN" => new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest(),
            "CA bit" => Build(
                key, san => san.AddUri(new Uri(id.ToString())),
                request => request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true))),
            "RSA 1024" => BuildRsa(id),
            "P-521" => BuildP521(id),
            "broken signature" => Flip(good, good.Length - 5),
            "key swapped after signing" => SwapKey(good, key),
            "1 MB of noise" => RandomNumberGenerator.GetBytes(1024 * 1024),
            "16 KB of noise" => RandomNumberGenerator.GetBytes(16 * 1024),
            "empty" => [],
            "trailing bytes" => [.. good, 0],
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
    }

    private static byte[] Build(ECDsa key, Action<SubjectAlternativeNameBuilder> names, Action<CertificateRequest>? change = null)
    {
        var san = new SubjectAlternativeNameBuilder();
        names(san);
        var request = new CertificateRequest("", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(san.Build(critical: true));
        change?.Invoke(request);
        return request.CreateSigningRequest();
    }

    private static byte[] BuildRsa(SpiffeId id)
    {
        using var rsa = RSA.Create(1024);
        var san = new SubjectAlternativeNameBuilder();
        san.AddUri(new Uri(id.ToString()));
        var request = new CertificateRequest("", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(san.Build(critical: true));
        return request.CreateSigningRequest();
    }

    private static byte[] BuildP521(SpiffeId id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        return CertificateRequestBuilder.CreateCsr(id, key);
    }

    // The request of one key, with another's public key in it: whoever sends it does not hold that key.
    private static byte[] SwapKey(byte[] csr, ECDsa key)
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, to) = (key.ExportSubjectPublicKeyInfo(), other.ExportSubjectPublicKeyInfo());
        var at = csr.AsSpan().IndexOf(from);
        to.CopyTo(csr, at);
        return csr;
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }
}
