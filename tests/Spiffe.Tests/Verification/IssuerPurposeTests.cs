namespace Mesh.Spiffe.Tests;

/// <summary>A stolen workload issuer is no stolen control plane.</summary>
public sealed class IssuerPurposeTests
{
    private readonly TestTrustDomain _east = new("east.example");

    [Theory]
    [InlineData("/mesh/silo/silo-0")]
    [InlineData("/mesh/proxyhost/host-0")]
    [InlineData("/mesh/other/thing")]
    [InlineData("/mesh")]
    public void An_ID_of_the_control_plane_is_accepted_under_its_issuer_alone(string path)
    {
        var id = SpiffeId.Parse(_east.Name.Id + path);
        Verdict.Accepted(_east.Verify(_east.Leaf(id), _east.ControlPlaneIssuer));
        Verdict.Refused(SvidRejection.IssuerPurpose, _east.Verify(_east.Leaf(id, issuer: _east.WorkloadIssuer), _east.WorkloadIssuer));
        Verdict.Refused(SvidRejection.IssuerPurpose, _east.Verify(_east.Leaf(id, issuer: _east.Anchor)));
    }

    [Theory]
    [InlineData("/ns/shop/sa/web")]
    [InlineData("/meshy/silo/silo-0")]
    [InlineData("/Mesh/silo/silo-0")]
    public void Any_other_ID_is_refused_under_the_control_plane_issuer(string path)
    {
        var id = SpiffeId.Parse(_east.Name.Id + path);
        Verdict.Accepted(_east.Verify(_east.Leaf(id), _east.WorkloadIssuer));
        Verdict.Refused(SvidRejection.IssuerPurpose, _east.Verify(_east.Leaf(id, issuer: _east.ControlPlaneIssuer), _east.ControlPlaneIssuer));
    }

    [Fact]
    public void An_issuer_below_the_control_plane_issuer_gets_round_neither_rule()
    {
        var upper = _east.Issuer("CN=control plane", spec => spec.BasicConstraints = new(true, true, 1, critical: true));
        var lower = upper.Issue(TestTrustDomain.Authority("CN=below", 0));
        _east.Bundle = _east.Bundle with { ControlPlaneIssuers = [upper.KeyHash] };

        Verdict.Refused(SvidRejection.IssuerPurpose, _east.Verify(_east.Leaf(issuer: lower), lower, upper));
        Verdict.Refused(SvidRejection.IssuerPurpose, _east.Verify(_east.Leaf(_east.Silo, issuer: lower), lower, upper));
        Verdict.Accepted(_east.Verify(_east.Leaf(_east.Silo, issuer: upper), upper));
    }

    [Fact]
    public void A_bundle_that_names_no_control_plane_issuer_has_no_control_plane()
    {
        _east.Bundle = _east.Bundle with { ControlPlaneIssuers = [] };
        Verdict.Refused(SvidRejection.IssuerPurpose, _east.Verify(_east.Leaf(_east.Silo), _east.ControlPlaneIssuer));
    }
}
