using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>RFC 4158, RFC 5280 §6: finding a path, and what its authorities must be.</summary>
public sealed class PathBuildingTests
{
    private readonly TestTrustDomain _east = new("east.example");

    [Fact]
    public void A_leaf_that_an_anchor_signed_itself_is_accepted() =>
        Verdict.Accepted(_east.Verify(_east.Leaf(issuer: _east.Anchor)));

    [Fact]
    public void A_missing_issuer_is_refused() =>
        Verdict.Refused(SvidRejection.UnknownAuthority, _east.Verify(_east.Leaf()));

    [Fact]
    public void A_foreign_anchor_in_the_chain_is_refused()
    {
        var impostor = new TestTrustDomain("east.example");
        Verdict.Refused(SvidRejection.UnknownAuthority, _east.Verify(impostor.Leaf(), impostor.WorkloadIssuer, impostor.Anchor));
    }

    [Fact]
    public void Intermediates_may_be_unordered_with_superfluous_ones_among_them()
    {
        var upper = _east.Anchor.Issue(TestTrustDomain.Authority("CN=upper", 1));
        var lower = upper.Issue(TestTrustDomain.Authority("CN=lower", 0));
        var leaf = _east.Leaf(issuer: lower);
        var stranger = new TestTrustDomain("west.example");

        Verdict.Accepted(_east.Verify(leaf, stranger.Anchor, upper, stranger.WorkloadIssuer, lower, _east.Anchor));
        Verdict.Refused(SvidRejection.UnknownAuthority, _east.Verify(leaf, stranger.Anchor, lower));
    }

    [Fact]
    public void A_second_path_is_tried_where_the_first_breaks_a_rule()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var expired = _east.Issuer("CN=cross", spec => (spec.Key, spec.NotAfter) = (key, TestTrustDomain.Now.AddDays(-1)));
        var valid = _east.Issuer("CN=cross", spec => spec.Key = key);
        var leaf = _east.Leaf(issuer: valid);

        Verdict.Accepted(_east.Verify(leaf, expired, valid));
        Verdict.Refused(SvidRejection.Expired, _east.Verify(leaf, expired));
    }

    [Theory]
    [InlineData(AnchorStage.Prepared)]
    [InlineData(AnchorStage.Active)]
    [InlineData(AnchorStage.Standby)]
    [InlineData(AnchorStage.Retiring)]
    public void An_anchor_of_any_stage_verifies(AnchorStage stage)
    {
        _east.Bundle = _east.Bundle with { Anchors = [TrustAnchor.FromCertificate(_east.Anchor.Der, stage)] };
        Verdict.Accepted(_east.VerifyWeb());
    }

    [Fact]
    public void A_bundle_without_anchors_trusts_nothing()
    {
        _east.Bundle = _east.Bundle with { Anchors = [] };
        Verdict.Refused(SvidRejection.UnknownAuthority, _east.VerifyWeb());
    }

    [Fact]
    public void Certificates_that_sign_each_other_in_every_way_end_the_search_soon()
    {
        var keys = Enumerable.Range(0, 7).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256)).ToArray();
        var ring = keys.Select((key, i) =>
        {
            var issuer = TestCertificate.SelfSigned(Same(keys[(i + 1) % keys.Length]));
            return issuer.Issue(Same(key));
        }).ToArray();
        var leaf = _east.Leaf(issuer: ring[0], change: spec => spec.WithAuthorityKeyIdentifier = false);
        var watch = Stopwatch.StartNew();

        var verification = _east.Verify([leaf, .. ring]);

        Assert.False(verification.IsValid);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");

        static CertificateSpec Same(ECDsa key)
        {
            var spec = TestTrustDomain.Authority("CN=ring", null);
            (spec.Key, spec.WithAuthorityKeyIdentifier, spec.WithSubjectKeyIdentifier) = (key, false, false);
            return spec;
        }
    }

    [Fact]
    public void A_path_length_constraint_is_enforced()
    {
        var lower = _east.WorkloadIssuer.Issue(TestTrustDomain.Authority("CN=below the workload issuer", 0));
        Verdict.Refused(SvidRejection.PathLength, _east.Verify(_east.Leaf(issuer: lower), lower, _east.WorkloadIssuer));
    }

    [Fact]
    public void An_issuer_with_a_longer_path_length_may_have_issuers_below_it()
    {
        var upper = _east.Anchor.Issue(TestTrustDomain.Authority("CN=upper", 1));
        var lower = upper.Issue(TestTrustDomain.Authority("CN=lower", 0));
        Verdict.Accepted(_east.Verify(_east.Leaf(issuer: lower), lower, upper));
    }

    public static TheoryData<string> BrokenIssuers => [.. Broken.Keys];

    private static Dictionary<string, Action<CertificateSpec>> Broken { get; } = new()
    {
        ["no CA flag"] = spec => spec.BasicConstraints = new X509BasicConstraintsExtension(false, false, 0, critical: true),
        ["no basic constraints"] = spec => spec.BasicConstraints = null,
        ["basic constraints not critical"] = spec => spec.BasicConstraints = new X509BasicConstraintsExtension(true, true, 0, critical: false),
        ["no key usage"] = spec => spec.KeyUsage = null,
        ["an ID and a key usage that is not critical"] = spec => spec.KeyUsage = new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: false),
        ["no keyCertSign"] = spec => spec.KeyUsage = new X509KeyUsageExtension(X509KeyUsageFlags.CrlSign, critical: true),
        ["no subject key identifier"] = spec => spec.WithSubjectKeyIdentifier = false,
        ["no authority key identifier"] = spec => spec.WithAuthorityKeyIdentifier = false,
        ["an ID with a path"] = spec => spec.Uris[0] = "spiffe://east.example/ns/shop/sa/web",
        ["two IDs"] = spec => spec.Uris.Add("spiffe://east.example"),
        ["an ID that is none"] = spec => spec.Uris[0] = "spiffe://EAST.example",
        ["another trust domain's ID"] = spec => spec.Uris[0] = "spiffe://west.example",
        ["name constraints not critical"] = spec => spec.Extra.Add(Constraints.Create([Constraints.Uri("east.example")], [], critical: false)),
    };

    [Theory]
    [MemberData(nameof(BrokenIssuers))]
    public void An_issuer_that_is_no_proper_authority_is_refused(string problem)
    {
        var issuer = _east.Issuer("CN=an issuer", Broken[problem]);
        Verdict.Refused(SvidRejection.InvalidAuthority, _east.Verify(_east.Leaf(issuer: issuer), issuer));
    }

    [Fact]
    public void An_issuer_without_an_ID_is_accepted()
    {
        var issuer = _east.Issuer("CN=an issuer", spec => spec.Uris.Clear());
        Verdict.Accepted(_east.Verify(_east.Leaf(issuer: issuer), issuer));
    }

    [Fact]
    public void A_leaf_can_not_issue_a_leaf()
    {
        var leaf = _east.Leaf(change: spec => spec.Subject = "CN=web");
        Verdict.Refused(SvidRejection.InvalidAuthority, _east.Verify(_east.Leaf(SpiffeId.Parse("spiffe://east.example/ns/bank/sa/vault"), issuer: leaf), leaf, _east.WorkloadIssuer));
    }
}
