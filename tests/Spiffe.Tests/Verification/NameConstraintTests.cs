using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>RFC 5280 §4.2.1.10, on the issuers of a common anchor and elsewhere.</summary>
public sealed class NameConstraintTests
{
    private static readonly TestCertificate CommonAnchor =
        TestCertificate.SelfSigned(TestTrustDomain.Authority("CN=common anchor", null));

    private readonly TestTrustDomain _west = new("west.example", CommonAnchor, spec =>
        spec.Extra.Add(Constraints.Permitting(Constraints.Uri("west.example"), Constraints.Dns("west.example"))));

    private readonly TestTrustDomain _east = new("east.example", CommonAnchor, spec =>
        spec.Extra.Add(Constraints.Permitting(Constraints.Uri("east.example"), Constraints.Dns("east.example"))));

    [Fact]
    public void An_issuer_may_issue_within_its_constraints()
    {
        Verdict.Accepted(_east.VerifyWeb());
        Verdict.Accepted(_west.VerifyWeb());
    }

    [Fact]
    public void A_constrained_issuer_of_one_trust_domain_can_not_issue_for_another()
    {
        // West's issuer has no ID here, so that the constraint alone stands in the way.
        var issuer = _west.Issuer("CN=west issuer", spec =>
        {
            spec.Uris.Clear();
            spec.Extra.Add(Constraints.Permitting(Constraints.Uri("west.example"), Constraints.Dns("west.example")));
        });
        Verdict.Refused(SvidRejection.NameConstraint, _east.Verify(_east.Leaf(issuer: issuer), issuer));
    }

    [Fact]
    public void A_foreign_DNS_name_beside_an_own_ID_is_refused() =>
        Verdict.Refused(SvidRejection.NameConstraint, _east.VerifyWeb(spec => spec.DnsNames[0] = "web.shop.west.example"));

    [Theory]
    [InlineData("east.example", true)]
    [InlineData("EAST.example", true)]
    [InlineData(".example", true)]
    [InlineData("example", false)]
    [InlineData(".east.example", false)]
    [InlineData("ast.example", false)]
    public void A_URI_constraint_is_one_host_or_with_a_leading_dot_those_below_it(string constraint, bool allowed) =>
        Check(allowed, Constraints.Permitting(Constraints.Uri(constraint)));

    [Theory]
    [InlineData("east.example", true)]
    [InlineData("shop.East.example", true)]
    [InlineData("web.shop.east.example", true)]
    [InlineData("", true)]
    [InlineData("b.shop.east.example", false)]
    [InlineData("west.example", false)]
    public void A_DNS_constraint_is_a_name_and_those_below_it(string constraint, bool allowed) =>
        Check(allowed, Constraints.Permitting(Constraints.Dns(constraint)));

    [Theory]
    [InlineData("east.example")]
    [InlineData(".example")]
    public void An_excluded_URI_host_is_refused(string constraint) => Check(false, Constraints.Excluding(Constraints.Uri(constraint)));

    [Fact]
    public void An_excluded_DNS_name_is_refused_also_where_it_is_permitted() =>
        Check(false, Constraints.Create([Constraints.Dns("east.example")], [Constraints.Dns("shop.east.example")], critical: true));

    [Fact]
    public void A_wildcard_that_covers_an_excluded_name_is_refused() =>
        Check(false, Constraints.Excluding(Constraints.Dns("vault.east.example")), leaf => leaf.DnsNames.Add("*.east.example"));

    [Fact]
    public void A_constraint_on_a_kind_of_name_that_is_not_there_is_no_hindrance() =>
        Check(true, Constraints.Create([Constraints.Network(10, 0, 0, 0, 255, 0, 0, 0)], [Constraints.Email("example.com")], critical: true));

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, false)]
    public void Addresses_are_compared(byte first, bool allowed) =>
        Check(allowed, Constraints.Permitting(Constraints.Network(10, 0, 0, 0, 255, 0, 0, 0)), leaf =>
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri(leaf.Uris[0]));
            names.AddIpAddress(new System.Net.IPAddress([first, 1, 2, 3]));
            leaf.Uris.Clear();
            leaf.DnsNames.Clear();
            leaf.Extra.Add(names.Build());
        });

    [Theory]
    [InlineData("CN=instance-1", true)]
    [InlineData("CN=instance-2", false)]
    public void The_subject_must_be_within_a_permitted_directory_name(string constraint, bool allowed) =>
        Check(allowed, Constraints.Permitting(Constraints.Directory(constraint)));

    [Fact]
    public void A_kind_that_can_not_be_compared_is_refused_where_it_is_constrained()
    {
        Check(false, Constraints.Excluding(Constraints.Directory("CN=somebody else")));
        Check(false, Constraints.Permitting(Constraints.Email("example.com")), leaf => leaf.Subject = "E=web@example.com");
        Check(true, Constraints.Permitting(Constraints.Uri("east.example")), leaf => leaf.Subject = "E=web@example.com");
    }

    [Fact]
    public void Constraints_of_the_anchor_bind_the_issuers_as_well()
    {
        var anchor = TestTrustDomain.Authority("CN=constrained anchor", null);
        anchor.Extra.Add(Constraints.Permitting(Constraints.Uri("west.example")));
        var east = new TestTrustDomain("east.example", TestCertificate.SelfSigned(anchor));
        Verdict.Refused(SvidRejection.NameConstraint, east.VerifyWeb());
    }

    [Fact]
    public void Malformed_constraints_are_refused()
    {
        Check(SvidRejection.Malformed, Constraints.Create([], [], critical: true));
        Check(SvidRejection.Malformed, Constraints.Permitting(Constraints.Dns(".east.example")));
        Check(SvidRejection.Malformed, Constraints.Permitting(Constraints.Dns("*.east.example")));
        Check(SvidRejection.Malformed, Constraints.Permitting(Constraints.Uri("spiffe://east.example")));
        Check(SvidRejection.Malformed, Constraints.Permitting(Constraints.Network(10, 0, 0, 0, 255, 0, 255, 0)));
        Check(SvidRejection.Malformed, Constraints.Permitting(Constraints.Network(10, 0, 0, 0)));
    }

    private static void Check(bool allowed, X509Extension constraints, Action<CertificateSpec>? changeLeaf = null) =>
        Check(allowed ? SvidRejection.None : SvidRejection.NameConstraint, constraints, changeLeaf);

    private static void Check(SvidRejection expected, X509Extension constraints, Action<CertificateSpec>? changeLeaf = null)
    {
        var east = new TestTrustDomain("east.example");
        var issuer = east.Issuer("CN=constrained issuer", spec => spec.Extra.Add(constraints));
        var verification = east.Verify(east.Leaf(issuer: issuer, change: changeLeaf), issuer);
        Assert.True(expected == verification.Rejection, $"{verification.Rejection}: {verification.Detail}");
    }
}
