using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>Which signed bundles are accepted, at first and later.</summary>
public sealed class SignedBundleTests
{
    private static readonly DateTimeOffset Now = TestTrustDomain.Now;

    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestBundles _bundles;

    public SignedBundleTests() => _bundles = new TestBundles(_east);

    private TrustBundle Held => _east.Bundle with { Sequence = 10 };

    private TrustBundle Next => Held with { Sequence = 11 };

    [Fact]
    public void A_bundle_is_accepted_at_first_by_a_pinned_anchor()
    {
        var signed = SignedBundle.Parse(_bundles.Sign(Next).Jws);

        signed.VerifyFirstContact(_east.Name, [_east.Anchor.KeyHash], Now);

        Assert.Equal(11, signed.Bundle.Sequence);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(TrustBundleJson.Write(Next))), signed.Digest);
    }

    [Fact]
    public void The_librarys_own_request_makes_a_certificate_that_is_accepted() =>
        SignedBundle.Sign(Next, _bundles.Key, _bundles.CertifyByRequest()).VerifySuccessor(Held, Now);

    [Fact]
    public void A_false_silos_bundle_is_refused_at_first_contact()
    {
        var impostor = new TestTrustDomain("east.example");
        var signed = new TestBundles(impostor).Sign(impostor.Bundle);
        Refused(BundleRejection.UnknownSigner, () => signed.VerifyFirstContact(_east.Name, [_east.Anchor.KeyHash], Now));

        // Also where it adds the true anchor to its own.
        var both = new TestBundles(impostor).Sign(impostor.Bundle with { Anchors = [.. impostor.Bundle.Anchors, .. _east.Bundle.Anchors] });
        Refused(BundleRejection.UnknownSigner, () => both.VerifyFirstContact(_east.Name, [_east.Anchor.KeyHash], Now));
        Refused(BundleRejection.UnknownSigner, () => both.VerifySuccessor(Held, Now));
    }

    [Fact]
    public void A_new_anchor_can_not_certify_the_key_of_the_bundle_that_brings_it()
    {
        var standby = TestCertificate.SelfSigned(TestTrustDomain.Authority("CN=standby", null));
        var next = Next with { Anchors = [.. Held.Anchors, TrustAnchor.FromCertificate(standby.Der, AnchorStage.Standby)] };
        var signed = SignedBundle.Sign(next, _bundles.Key, _bundles.Certify(standby, _ => { }));
        Refused(BundleRejection.UnknownSigner, () => signed.VerifySuccessor(Held, Now));
        signed.VerifySuccessor(Held with { Anchors = next.Anchors }, Now);
    }

    [Fact]
    public void Every_flipped_byte_is_refused()
    {
        var jws = _bundles.Sign(Next).Jws;
        SignedBundle.Parse(jws).VerifySuccessor(Held, Now);
        for (var i = 0; i < jws.Length; i++)
        {
            var altered = jws.ToCharArray();
            altered[i] = altered[i] == 'A' ? 'B' : 'A';
            Assert.False(IsAccepted(new string(altered)), $"character {i}");
        }
    }

    [Fact]
    public void Another_key_than_the_certified_one_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Throws<ArgumentException>(() => SignedBundle.Sign(Next, other, _bundles.Certificate));

        var forged = CompactJws.Sign(SignedBundle.Type, TrustBundleJson.Write(Next), other, certificates: [_bundles.Certificate]);
        Refused(BundleRejection.BadSignature, () => SignedBundle.Parse(forged).VerifySuccessor(Held, Now));
    }

    public static TheoryData<string> BrokenCertificates => [.. Broken.Keys];

    private static Dictionary<string, Action<CertificateSpec>> Broken { get; } = new()
    {
        ["a leaf's ID"] = spec => spec.Uris[0] = "spiffe://east.example/ns/shop/sa/web",
        ["another trust domain's ID"] = spec => spec.Uris[0] = "spiffe://west.example",
        ["no ID"] = spec => spec.Uris.Clear(),
        ["an authority"] = spec =>
        {
            spec.BasicConstraints = new X509BasicConstraintsExtension(true, false, 0, critical: true);
            spec.KeyUsage = new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, critical: true);
        },
        ["no digital signatures"] = spec => spec.KeyUsage = new X509KeyUsageExtension(X509KeyUsageFlags.KeyAgreement, critical: true),
        ["expired"] = spec => spec.NotAfter = Now.AddMinutes(-1),
        ["not yet valid"] = spec => spec.NotBefore = Now.AddMinutes(1),
    };

    [Theory]
    [MemberData(nameof(BrokenCertificates))]
    public void A_certificate_that_is_no_bundle_keys_is_refused(string problem)
    {
        var signed = SignedBundle.Sign(Next, _bundles.Key, _bundles.Certify(_east.Anchor, Broken[problem]));
        Refused(BundleRejection.UnknownSigner, () => signed.VerifySuccessor(Held, Now));
        Refused(BundleRejection.UnknownSigner, () => signed.VerifyFirstContact(_east.Name, [_east.Anchor.KeyHash], Now));
    }

    [Fact]
    public void An_issuer_can_not_certify_a_bundle_key()
    {
        var signed = SignedBundle.Sign(Next, _bundles.Key, _bundles.Certify(_east.WorkloadIssuer, _ => { }));
        Refused(BundleRejection.UnknownSigner, () => signed.VerifySuccessor(Held, Now));
    }

    [Fact]
    public void A_revoked_bundle_key_or_anchor_is_refused()
    {
        var signed = _bundles.Sign(Next);
        foreach (var hash in new[] { KeyHash.OfPublicKey(_bundles.Key.ExportSubjectPublicKeyInfo()), _east.Anchor.KeyHash })
        {
            var held = Held with { Revocations = [new Revocation(hash, Now, Now.AddDays(-1), "")] };
            Refused(BundleRejection.UnknownSigner, () => signed.VerifySuccessor(held, Now));
        }
    }

    [Fact]
    public void Another_trust_domains_bundle_is_refused_also_under_a_common_anchor()
    {
        var west = new TestTrustDomain("west.example", _east.Anchor);
        var signed = new TestBundles(west).Sign(west.Bundle);
        Refused(BundleRejection.ForeignTrustDomain, () => signed.VerifySuccessor(Held, Now));
        Refused(BundleRejection.ForeignTrustDomain, () => signed.VerifyFirstContact(_east.Name, [_east.Anchor.KeyHash], Now));
        signed.VerifyFirstContact(west.Name, [_east.Anchor.KeyHash], Now);
    }

    [Fact]
    public void A_bundle_without_anchors_is_refused() =>
        Refused(BundleRejection.Malformed, () => _bundles.Sign(Next with { Anchors = [] }).VerifySuccessor(Held, Now));

    [Fact]
    public void A_bundle_of_the_future_is_refused()
    {
        Refused(BundleRejection.SignedInFuture, () => _bundles.Sign(Next with { SignedAt = Now.AddSeconds(61) }).VerifySuccessor(Held, Now));
        _bundles.Sign(Next with { SignedAt = Now.AddSeconds(60) }).VerifySuccessor(Held, Now);
    }

    private bool IsAccepted(string jws)
    {
        try
        {
            SignedBundle.Parse(jws).VerifySuccessor(Held, Now);
            return true;
        }
        catch (Exception exception) when (exception is FormatException or BundleRejectedException)
        {
            return false;
        }
    }

    private static void Refused(BundleRejection reason, Action verify) =>
        Assert.Equal(reason, Assert.Throws<BundleRejectedException>(verify).Reason);
}
