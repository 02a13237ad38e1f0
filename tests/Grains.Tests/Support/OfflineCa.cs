using System.Collections.ObjectModel;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>An anchor whose key never comes near the mesh, and its keeper, who signs what he is asked to, or something else.</summary>
internal sealed class OfflineCa : IDisposable
{
    private readonly X509Certificate2 _certificate;

    /// <param name="now">When the anchor begins.</param>
    /// <param name="name">Its common name.</param>
    /// <param name="days">How long it lives.</param>
    /// <param name="change">What is different from an anchor that is good.</param>
    /// <param name="curve">Of its key.</param>
    public OfflineCa(DateTimeOffset now, string name = "anchor in a safe", int days = 3650, Action<Collection<X509Extension>>? change = null, ECCurve? curve = null)
    {
        Key = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP384);
        var request = new CertificateRequest($"O=Example,CN={name}", Key, HashAlgorithmName.SHA384);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 1, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        change?.Invoke(request.CertificateExtensions);
        _certificate = request.CreateSelfSigned(now, now.AddDays(days));
    }

    public ECDsa Key { get; }

    public ReadOnlyMemory<byte> Certificate => _certificate.RawData;

    public string Pem => _certificate.ExportCertificatePem();

    public KeyHash KeyHash => KeyHash.Of(_certificate);

    /// <summary>Signs a request as it asks to be.</summary>
    /// <param name="request">What awaits a signature.</param>
    /// <param name="now">When the certificate begins.</param>
    /// <param name="days">How long it lives.</param>
    /// <param name="change">What is different from what was asked for.</param>
    public ReadOnlyMemory<byte> Sign(AuthorityRequestStatus request, DateTimeOffset now, double days = 90, Action<Collection<X509Extension>>? change = null)
    {
        var asked = CertificateRequest.LoadSigningRequest(
            request.Csr.ToArray(), HashAlgorithmName.SHA384, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        asked.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false));
        change?.Invoke(asked.CertificateExtensions);
        using var signed = asked.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(Key), now, now.AddDays(days), RandomNumberGenerator.GetBytes(16));
        return signed.RawData;
    }

    public void Dispose()
    {
        _certificate.Dispose();
        Key.Dispose();
    }
}
