using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Mesh.Proxy.Identity;
using Mesh.Spiffe;

namespace Mesh.Proxy.Metrics;

/// <summary>When the certificates end that this proxy stands on: its own, its issuer's, the anchors' of the bundle in force.</summary>
/// <remarks>Those of an issuer and of anchors are read anew at each scrape: they are few.</remarks>
internal sealed class CertificateGauges(WorkloadIdentity identity, TimeProvider clock)
{
    public IReadOnlyList<CertificateGauge> Read()
    {
        var now = clock.GetUtcNow();
        var gauges = new List<CertificateGauge>();
        if (identity.Credential?.Svid is { } svid)
        {
            gauges.Add(Gauge("purpose=\"proxy\"", svid.NotBefore, svid.NotAfter, now));
            gauges.AddRange(svid.Chain.Skip(1).Select(der => Gauge("workload", null, der, now)));
        }

        if (identity.Bundles.Held is { } held)
        {
            gauges.AddRange(held.Bundle.Anchors.Select(anchor => Gauge("anchor", anchor.Stage.ToString().ToLowerInvariant(), anchor.CertificateDer, now)));
        }

        return gauges;
    }

    private static CertificateGauge Gauge(string purpose, string? stage, ReadOnlyMemory<byte> der, DateTimeOffset now)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
        var key = KeyHash.OfPublicKey(certificate.PublicKey.ExportSubjectPublicKeyInfo());
        var labels = string.Create(CultureInfo.InvariantCulture, $"purpose=\"{purpose}\"{(stage is null ? "" : $",stage=\"{stage}\"")},key=\"{key}\"");
        return Gauge(labels, certificate.NotBefore, certificate.NotAfter, now);
    }

    private static CertificateGauge Gauge(string labels, DateTimeOffset notBefore, DateTimeOffset notAfter, DateTimeOffset now) =>
        new(labels, notAfter.ToUnixTimeSeconds(), Math.Clamp((notAfter - now) / (notAfter - notBefore), 0, 1));
}

/// <summary>One certificate's two gauges.</summary>
/// <param name="Labels">As on the page.</param>
/// <param name="NotAfter">When it ends, in seconds since 1970.</param>
/// <param name="LifeLeft">How much of its validity is left, 0 to 1.</param>
internal sealed record CertificateGauge(string Labels, long NotAfter, double LifeLeft);
