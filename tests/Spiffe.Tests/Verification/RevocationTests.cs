namespace Mesh.Spiffe.Tests;

/// <summary>Revoked keys and banned identities.</summary>
public sealed class RevocationTests
{
    private readonly TestTrustDomain _east = new("east.example");

    public static TheoryData<string> Elements => ["leaf", "issuer", "anchor"];

    [Theory]
    [MemberData(nameof(Elements))]
    public void A_revoked_key_anywhere_in_the_path_is_refused(string element)
    {
        var leaf = _east.Leaf();
        var revoked = element switch { "leaf" => leaf, "issuer" => _east.WorkloadIssuer, _ => _east.Anchor };
        Verdict.Accepted(_east.Verify(leaf, _east.WorkloadIssuer));

        var bundle = _east.Bundle with { Revocations = [new Revocation(revoked.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now.AddYears(9), "stolen laptop")] };

        var verification = TestTrustDomain.Verify(bundle, leaf, _east.WorkloadIssuer);
        Verdict.Refused(SvidRejection.Revoked, verification);
        Assert.Contains("stolen laptop", verification.Detail, StringComparison.Ordinal);
        Assert.Contains(revoked.KeyHash.ToString(), verification.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_revoked_key_is_no_hindrance()
    {
        _east.Bundle = _east.Bundle with { Revocations = [new Revocation(_east.ControlPlaneIssuer.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now, "")] };
        Verdict.Accepted(_east.VerifyWeb());
    }

    [Theory]
    [InlineData(-2, false)]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    public void A_ban_refuses_what_was_issued_before_it_and_lets_fresh_leaves_pass(int secondsAfterTheBan, bool accepted)
    {
        var ban = TestTrustDomain.Now.AddMinutes(-5);
        _east.Bundle = _east.Bundle with { Bans = [new IdentityBan(_east.Web, ban)] };

        // As the profile has it: the time of issue, minus the allowance for slow clocks.
        var verification = _east.VerifyWeb(spec => spec.NotBefore = ban.AddSeconds(secondsAfterTheBan) - SvidProfile.Backdating);

        if (accepted)
        {
            Verdict.Accepted(verification);
        }
        else
        {
            Verdict.Refused(SvidRejection.Banned, verification);
        }
    }

    [Fact]
    public void A_leaf_of_the_same_second_as_the_ban_is_refused()
    {
        var ban = TestTrustDomain.Now.AddMinutes(-5).AddMilliseconds(700);
        _east.Bundle = _east.Bundle with { Bans = [new IdentityBan(_east.Web, ban)] };
        Verdict.Refused(SvidRejection.Banned, _east.VerifyWeb(spec => spec.NotBefore = TestTrustDomain.Now.AddMinutes(-5) - SvidProfile.Backdating));
        Verdict.Accepted(_east.VerifyWeb(spec => spec.NotBefore = TestTrustDomain.Now.AddMinutes(-5).AddSeconds(1) - SvidProfile.Backdating));
    }

    [Fact]
    public void The_latest_of_several_cut_offs_counts_and_others_are_not_touched()
    {
        _east.Bundle = _east.Bundle with
        {
            Bans = [new IdentityBan(_east.Web, TestTrustDomain.Now.AddDays(-1)), new IdentityBan(_east.Web, TestTrustDomain.Now)],
        };
        Verdict.Refused(SvidRejection.Banned, _east.VerifyWeb());
        Verdict.Accepted(_east.Verify(_east.Leaf(SpiffeId.ForWorkload(_east.Name, "shop", "other")), _east.WorkloadIssuer));
    }
}
