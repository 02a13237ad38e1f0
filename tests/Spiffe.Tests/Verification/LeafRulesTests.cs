using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>X509-SVID §2, §4: what a leaf must be.</summary>
public sealed class LeafRulesTests
{
    private readonly TestTrustDomain _east = new("east.example");

    [Fact]
    public void A_leaf_of_the_profile_is_accepted_until_the_earliest_expiry_of_its_path()
    {
        var verification = _east.VerifyWeb();

        Verdict.Accepted(verification);
        Assert.Equal(_east.Web, verification.Svid!.Id);
        Assert.Equal("instance-1", verification.Svid.InstanceId);
        Assert.Equal(TestTrustDomain.Now.AddHours(23), verification.ValidUntil);
    }

    [Fact]
    public void An_empty_chain_is_refused() =>
        Verdict.Refused(SvidRejection.EmptyChain, _east.Verify());

    [Fact]
    public void A_leaf_without_a_URI_name_is_refused() =>
        Verdict.Refused(SvidRejection.InvalidSpiffeId, _east.VerifyWeb(spec => spec.Uris.Clear()));

    [Theory]
    [InlineData("spiffe://east.example/ns/shop/sa/other")]
    [InlineData("https://east.example/")]
    [InlineData("spiffe://east.example/ns/shop/sa/web")]
    public void A_leaf_with_a_second_URI_name_is_refused(string second) =>
        Verdict.Refused(SvidRejection.InvalidSpiffeId, _east.VerifyWeb(spec => spec.Uris.Add(second)));

    [Theory]
    [InlineData("https://east.example/ns/shop/sa/web")]
    [InlineData("SPIFFE://east.example/ns/shop/sa/web")]
    [InlineData("spiffe://East.example/ns/shop/sa/web")]
    [InlineData("spiffe://east.example:443/ns/shop/sa/web")]
    [InlineData("spiffe://user@east.example/ns/shop/sa/web")]
    [InlineData("spiffe://east.example/ns/shop/sa/web/")]
    [InlineData("spiffe://east.example/ns/../sa/web")]
    [InlineData("spiffe://east.example/ns/shop/sa/web?x=1")]
    [InlineData("spiffe://east.example/ns/shop/sa/web#x")]
    [InlineData("spiffe://east.example/ns/%73hop/sa/web")]
    public void A_leaf_whose_URI_name_is_no_strict_SPIFFE_ID_is_refused(string uri) =>
        Verdict.Refused(SvidRejection.InvalidSpiffeId, _east.VerifyWeb(spec => spec.Uris[0] = uri));

    [Fact]
    public void A_leaf_with_other_kinds_of_names_is_accepted() =>
        Verdict.Accepted(_east.VerifyWeb(spec => spec.DnsNames.Add("web.shop.svc")));

    [Fact]
    public void A_leaf_whose_ID_has_no_path_is_refused() =>
        Verdict.Refused(SvidRejection.NotALeaf, _east.VerifyWeb(spec => spec.Uris[0] = "spiffe://east.example"));

    [Fact]
    public void An_authority_in_the_place_of_a_leaf_is_refused() =>
        Verdict.Refused(SvidRejection.NotALeaf, _east.VerifyWeb(spec =>
            spec.BasicConstraints = new X509BasicConstraintsExtension(true, false, 0, critical: true)));

    [Fact]
    public void A_leaf_without_basic_constraints_is_accepted() =>
        Verdict.Accepted(_east.VerifyWeb(spec => spec.BasicConstraints = null));

    [Fact]
    public void A_leaf_without_key_usage_is_refused() =>
        Verdict.Refused(SvidRejection.KeyUsage, _east.VerifyWeb(spec => spec.KeyUsage = null));

    [Fact]
    public void A_leaf_whose_key_usage_is_not_critical_is_refused() =>
        Verdict.Refused(SvidRejection.KeyUsage, _east.VerifyWeb(spec =>
            spec.KeyUsage = new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: false)));

    [Theory]
    [InlineData(X509KeyUsageFlags.KeyAgreement)]
    [InlineData(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign)]
    [InlineData(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.CrlSign)]
    public void A_leaf_with_another_use_than_a_leafs_is_refused(X509KeyUsageFlags usage) =>
        Verdict.Refused(SvidRejection.KeyUsage, _east.VerifyWeb(spec => spec.KeyUsage = new X509KeyUsageExtension(usage, critical: true)));

    [Fact]
    public void A_leaf_with_further_harmless_uses_is_accepted() =>
        Verdict.Accepted(_east.VerifyWeb(spec => spec.KeyUsage = new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.KeyAgreement, critical: true)));

    [Fact]
    public void A_leaf_without_extended_key_usage_is_accepted() =>
        Verdict.Accepted(_east.VerifyWeb(spec => spec.ExtendedKeyUsage = null));

    [Theory]
    [InlineData(Oids.ServerAuthentication)]
    [InlineData(Oids.ClientAuthentication)]
    [InlineData("2.5.29.37.0")]
    public void A_leaf_whose_extended_key_usage_lacks_one_of_the_two_is_refused(string only) =>
        Verdict.Refused(SvidRejection.ExtendedKeyUsage, _east.VerifyWeb(spec => spec.ExtendedKeyUsage = [only]));

    [Fact]
    public void A_leaf_with_an_empty_subject_needs_critical_alternative_names()
    {
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.Subject = ""));
        Verdict.Accepted(_east.VerifyWeb(spec => (spec.Subject, spec.AlternativeNamesCritical) = ("", true)));
    }

    [Fact]
    public void A_leaf_with_name_constraints_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.Extra.Add(Constraints.Permitting(Constraints.Uri("east.example")))));
}
