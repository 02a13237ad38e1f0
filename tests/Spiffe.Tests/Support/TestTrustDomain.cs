using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Spiffe.Tests;

/// <summary>A trust domain with an anchor, a workload issuer and a control-plane issuer, as the mesh has them.</summary>
internal sealed class TestTrustDomain
{
    public static readonly DateTimeOffset Now = new(2030, 6, 1, 12, 0, 0, TimeSpan.Zero);

    public TestTrustDomain(string name)
        : this(name, null)
    {
    }

    /// <summary>With an anchor that other trust domains may share.</summary>
    public TestTrustDomain(string name, TestCertificate? anchor, Action<CertificateSpec>? changeIssuers = null)
    {
        Name = TrustDomainName.Parse(name);
        Anchor = anchor ?? TestCertificate.SelfSigned(Authority($"CN={name} anchor", null));
        WorkloadIssuer = Issuer($"CN={name} workload issuer", changeIssuers);
        ControlPlaneIssuer = Issuer($"CN={name} control-plane issuer", changeIssuers);
        Bundle = new TrustBundle
        {
            TrustDomain = Name,
            Sequence = 1,
            Epoch = 1,
            SignedAt = Now,
            Anchors = [TrustAnchor.FromCertificate(Anchor.Der, AnchorStage.Active)],
            ControlPlaneIssuers = [ControlPlaneIssuer.KeyHash],
        };
    }

    public TrustDomainName Name { get; }

    public TestCertificate Anchor { get; }

    public TestCertificate WorkloadIssuer { get; }

    public TestCertificate ControlPlaneIssuer { get; }

    public TrustBundle Bundle { get; set; }

    public SpiffeId Web => SpiffeId.ForWorkload(Name, "shop", "web");

    public SpiffeId Silo => SpiffeId.ForSilo(Name, "silo-0");

    public static CertificateSpec Authority(string subject, int? pathLength) => new()
    {
        Subject = subject,
        NotBefore = Now.AddDays(-10),
        NotAfter = Now.AddDays(3650),
        BasicConstraints = new X509BasicConstraintsExtension(true, pathLength is not null, pathLength ?? 0, critical: true),
        KeyUsage = new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true),
    };

    public static CertificateSpec LeafSpec(SpiffeId id)
    {
        var spec = new CertificateSpec
        {
            Subject = "CN=instance-1",
            NotBefore = Now.AddHours(-1),
            NotAfter = Now.AddHours(23),
            // serverAuth and clientAuth.
            ExtendedKeyUsage = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
        };
        spec.Uris.Add(id.ToString());
        spec.DnsNames.Add(id.DnsName);
        return spec;
    }

    /// <summary>An issuer directly below the anchor.</summary>
    public TestCertificate Issuer(string subject, Action<CertificateSpec>? change = null)
    {
        var spec = Authority(subject, 0);
        spec.NotAfter = Now.AddDays(30);
        spec.Uris.Add(Name.Id.ToString());
        change?.Invoke(spec);
        return Anchor.Issue(spec);
    }

    /// <summary>A leaf as the issuer of its kind signs it, unless a test changes something.</summary>
    public TestCertificate Leaf(SpiffeId? id = null, Action<CertificateSpec>? change = null, TestCertificate? issuer = null)
    {
        id ??= Web;
        var spec = LeafSpec(id);
        change?.Invoke(spec);
        return (issuer ?? (id.IsControlPlane ? ControlPlaneIssuer : WorkloadIssuer)).Issue(spec);
    }

    /// <summary>A leaf of <c>web</c> with its issuer, verified.</summary>
    public SvidVerification VerifyWeb(Action<CertificateSpec>? change = null) => Verify(Leaf(change: change), WorkloadIssuer);

    public SvidVerification Verify(params TestCertificate[] chain) => Verify(Bundle, chain);

    public static SvidVerification Verify(TrustBundle bundle, params TestCertificate[] chain) =>
        new SvidVerifier(new FakeTimeProvider(Now)).Verify(Der(chain), bundle);

    public static IReadOnlyList<ReadOnlyMemory<byte>> Der(params TestCertificate[] chain) =>
        [.. chain.Select(certificate => (ReadOnlyMemory<byte>)certificate.Der)];

    public SvidCredential Credential(SpiffeId? id = null)
    {
        var leaf = Leaf(id);
        return SvidCredential.Create(Der(leaf, leaf.Spec.Uris[0].Contains("/mesh/", StringComparison.Ordinal) ? ControlPlaneIssuer : WorkloadIssuer), leaf.Key);
    }
}
