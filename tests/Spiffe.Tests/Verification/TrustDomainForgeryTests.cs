namespace Mesh.Spiffe.Tests;

/// <summary>No trust domain can speak for another.</summary>
public sealed class TrustDomainForgeryTests
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestTrustDomain _west = new("west.example");

    private TrustBundle EastKnowsWest => _east.Bundle with { Federated = [Federated(_west)] };

    [Fact]
    public void A_federated_trust_domains_workload_is_accepted_under_its_own_anchor()
    {
        var leaf = _west.Leaf();
        Verdict.Accepted(TestTrustDomain.Verify(EastKnowsWest, leaf, _west.WorkloadIssuer));
        Verdict.Refused(SvidRejection.ForeignTrustDomain, TestTrustDomain.Verify(_east.Bundle, leaf, _west.WorkloadIssuer));
    }

    [Fact]
    public void Another_trust_domains_issuer_can_not_issue_an_ID_of_ours() =>
        Verdict.Refused(
            SvidRejection.UnknownAuthority,
            TestTrustDomain.Verify(EastKnowsWest, _east.Leaf(issuer: _west.WorkloadIssuer), _west.WorkloadIssuer, _west.Anchor));

    [Fact]
    public void Our_issuer_can_not_issue_an_ID_of_another_trust_domain() =>
        Verdict.Refused(
            SvidRejection.UnknownAuthority,
            TestTrustDomain.Verify(EastKnowsWest, _west.Leaf(issuer: _east.WorkloadIssuer), _east.WorkloadIssuer, _east.Anchor));

    [Fact]
    public void A_federated_bundle_can_not_vouch_for_our_own_trust_domain()
    {
        var impostor = new TestTrustDomain("east.example");
        var bundle = _east.Bundle with { Federated = [Federated(impostor)] };
        Verdict.Accepted(TestTrustDomain.Verify(bundle, _east.Leaf(), _east.WorkloadIssuer));
        Verdict.Refused(SvidRejection.UnknownAuthority, TestTrustDomain.Verify(bundle, impostor.Leaf(), impostor.WorkloadIssuer));
    }

    [Fact]
    public void Under_a_common_anchor_an_issuer_with_another_trust_domains_ID_is_refused()
    {
        var anchor = TestCertificate.SelfSigned(TestTrustDomain.Authority("CN=common anchor", null));
        var (east, west) = (new TestTrustDomain("east.example", anchor), new TestTrustDomain("west.example", anchor));
        Verdict.Refused(SvidRejection.InvalidAuthority, east.Verify(east.Leaf(issuer: west.WorkloadIssuer), west.WorkloadIssuer));
    }

    [Fact]
    public void Revocations_of_one_bundle_bind_its_own_trust_domain_alone()
    {
        var anchor = TestCertificate.SelfSigned(TestTrustDomain.Authority("CN=common anchor", null));
        var (east, west) = (new TestTrustDomain("east.example", anchor), new TestTrustDomain("west.example", anchor));
        var revocation = new Revocation(west.WorkloadIssuer.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now.AddDays(1), "stolen");

        var revokedByUs = east.Bundle with { Federated = [Federated(west)], Revocations = [revocation] };
        var revokedByThem = east.Bundle with { Federated = [Federated(west) with { Revocations = [revocation] }] };

        Verdict.Accepted(TestTrustDomain.Verify(revokedByUs, west.Leaf(), west.WorkloadIssuer));
        Verdict.Refused(SvidRejection.Revoked, TestTrustDomain.Verify(revokedByThem, west.Leaf(), west.WorkloadIssuer));
    }

    [Fact]
    public void A_federated_control_plane_is_accepted_only_under_the_issuers_it_names_itself()
    {
        var named = _east.Bundle with { Federated = [Federated(_west) with { ControlPlaneIssuers = [_west.ControlPlaneIssuer.KeyHash] }] };
        var borrowed = EastKnowsWest with { ControlPlaneIssuers = [_west.ControlPlaneIssuer.KeyHash] };

        Verdict.Accepted(TestTrustDomain.Verify(named, _west.Leaf(_west.Silo), _west.ControlPlaneIssuer));
        Verdict.Refused(SvidRejection.IssuerPurpose, TestTrustDomain.Verify(borrowed, _west.Leaf(_west.Silo), _west.ControlPlaneIssuer));
    }

    private static FederatedBundle Federated(TestTrustDomain domain) => new(domain.Name, domain.Bundle.Anchors, 1);
}
