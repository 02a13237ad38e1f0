using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>Signs bundles as a silo does: with a bundle key that the anchor certified.</summary>
internal sealed class TestBundles(TestTrustDomain domain)
{
    public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public byte[] Certificate => field ??= Certify(domain.Anchor, _ => { });

    public SignedBundle Sign(TrustBundle bundle) => SignedBundle.Sign(bundle, Key, Certificate);

    /// <summary>A certificate for the bundle key in which a test may break a rule.</summary>
    public byte[] Certify(TestCertificate anchor, Action<CertificateSpec> change)
    {
        var spec = new CertificateSpec
        {
            Subject = "CN=bundle key",
            Key = Key,
            NotBefore = TestTrustDomain.Now.AddDays(-1),
            NotAfter = TestTrustDomain.Now.AddDays(30),
        };
        spec.Uris.Add(domain.Name.Id.ToString());
        change(spec);
        return anchor.Issue(spec).Der;
    }

    /// <summary>The certificate as the library's own request has it.</summary>
    public byte[] CertifyByRequest()
    {
        using var anchor = domain.Anchor.Load();
        var request = BundleKeyCertificate.CreateRequest(domain.Name, Key, anchor);
        using var certificate = request.Create(
            anchor.SubjectName,
            X509SignatureGenerator.CreateForECDsa(domain.Anchor.Key),
            TestTrustDomain.Now.AddDays(-1),
            TestTrustDomain.Now.AddDays(30),
            [1, 2, 3]);
        return certificate.RawData;
    }

    /// <summary>A bundle in which every member has something.</summary>
    public static TrustBundle Full(TestTrustDomain east, TestTrustDomain west) => east.Bundle with
    {
        Sequence = long.MaxValue,
        Epoch = 3,
        SignedAt = TestTrustDomain.Now.AddTicks(1234567),
        RefreshHint = TimeSpan.FromSeconds(42),
        Anchors =
        [
            TrustAnchor.FromCertificate(east.Anchor.Der, AnchorStage.Active),
            TrustAnchor.FromCertificate(TestCertificate.SelfSigned(TestTrustDomain.Authority("CN=standby", null)).Der, AnchorStage.Standby),
        ],
        TokenKeys = [new TokenKey("key-1", east.WorkloadIssuer.Key.ExportSubjectPublicKeyInfo())],
        Revocations = [new Revocation(east.WorkloadIssuer.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now.AddDays(30), "stolen: \"é\"\n")],
        Bans = [new IdentityBan(east.Web, TestTrustDomain.Now.AddTicks(1))],
        Federated =
        [
            new FederatedBundle(west.Name, west.Bundle.Anchors, 7)
            {
                ControlPlaneIssuers = [west.ControlPlaneIssuer.KeyHash],
                Bans = [new IdentityBan(west.Web, TestTrustDomain.Now)],
            },
        ],
    };
}
