namespace Mesh.Spiffe.Tests;

public sealed class RenewalScheduleTests
{
    private static readonly TestTrustDomain East = new("east.example");

    private static readonly X509Svid Day = X509Svid.Parse([East.Leaf(change: spec =>
        (spec.NotBefore, spec.NotAfter) = (TestTrustDomain.Now - SvidProfile.Backdating, TestTrustDomain.Now.AddDays(1))).Der]);

    private static readonly X509Svid Minute = X509Svid.Parse([East.Leaf(change: spec =>
        (spec.NotBefore, spec.NotAfter) = (TestTrustDomain.Now - SvidProfile.Backdating, TestTrustDomain.Now.AddMinutes(1))).Der]);

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.5, 150, 3)]
    [InlineData(1, 300, 6)]
    public void What_is_to_happen_soon_is_spread_over_a_tenth_of_a_life_and_five_minutes_at_most(double chance, int secondsOfADay, int secondsOfAMinute)
    {
        Assert.Equal(TimeSpan.FromSeconds(secondsOfADay), RenewalSchedule.RenewIn(Day, RenewalUrgency.Soon, TestTrustDomain.Now, chance));
        Assert.Equal(TimeSpan.FromSeconds(secondsOfAMinute), RenewalSchedule.RenewIn(Minute, RenewalUrgency.Soon, TestTrustDomain.Now, chance));
    }

    [Fact]
    public void A_hurry_never_puts_a_renewal_off()
    {
        var nearlyDue = TestTrustDomain.Now.AddHours(24 * 0.65).AddSeconds(-1);

        Assert.True(RenewalSchedule.RenewIn(Day, RenewalUrgency.Soon, nearlyDue, 0) <= RenewalSchedule.RenewIn(Day, nearlyDue, 0));
        Assert.Equal(TimeSpan.Zero, RenewalSchedule.RenewIn(Day, RenewalUrgency.Soon, TestTrustDomain.Now.AddHours(20), 1));
        Assert.Equal(TimeSpan.Zero, RenewalSchedule.RenewIn(Day, RenewalUrgency.AtOnce, TestTrustDomain.Now, 1));
    }

    [Theory]
    [InlineData(AnchorStage.Active, RenewalUrgency.InTime)]
    [InlineData(AnchorStage.Prepared, RenewalUrgency.InTime)]
    [InlineData(AnchorStage.Retiring, RenewalUrgency.Soon)]
    public void A_certificate_under_an_anchor_that_retires_is_replaced_soon(AnchorStage stage, RenewalUrgency urgency)
    {
        var bundle = East.Bundle with { Anchors = [.. East.Bundle.Anchors.Select(anchor => anchor with { Stage = stage })] };

        Assert.Equal(urgency, RenewalSchedule.UrgencyOf(Verdict(bundle), bundle));
    }

    [Fact]
    public void A_certificate_under_another_anchor_than_the_one_that_retires_is_not()
    {
        var other = new TestTrustDomain("east.example");
        var bundle = East.Bundle with { Anchors = [.. East.Bundle.Anchors, .. other.Bundle.Anchors.Select(anchor => anchor with { Stage = AnchorStage.Retiring })] };

        Assert.Equal(RenewalUrgency.InTime, RenewalSchedule.UrgencyOf(Verdict(bundle), bundle));
    }

    [Fact]
    public void One_that_is_refused_is_replaced_at_once_unless_its_identity_is_banned()
    {
        var gone = East.Bundle with { Anchors = [] };
        var banned = East.Bundle with { Bans = [new IdentityBan(East.Web, TestTrustDomain.Now.AddYears(1))] };

        Assert.Equal(RenewalUrgency.AtOnce, RenewalSchedule.UrgencyOf(Verdict(gone), gone));
        Assert.Equal(RenewalUrgency.InTime, RenewalSchedule.UrgencyOf(Verdict(banned), banned));
    }

    private static SvidVerification Verdict(TrustBundle bundle) =>
        new SvidVerifier(new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestTrustDomain.Now)).Verify([East.Leaf().Der, East.WorkloadIssuer.Der], bundle);
}
