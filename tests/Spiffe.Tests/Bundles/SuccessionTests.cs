namespace Mesh.Spiffe.Tests;

/// <summary>A bundle never goes back in time and never forgets a revocation.</summary>
public sealed class SuccessionTests
{
    private static readonly DateTimeOffset Now = TestTrustDomain.Now;

    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestBundles _bundles;

    public SuccessionTests() => _bundles = new TestBundles(_east);

    private TrustBundle Held => _east.Bundle with { Sequence = 10 };

    [Fact]
    public void A_higher_sequence_is_accepted_and_a_lower_one_refused()
    {
        Accepted(Held with { Sequence = 11 }, Held);
        Refused(BundleRejection.OlderSequence, Held with { Sequence = 9 }, Held);
    }

    [Fact]
    public void The_same_sequence_is_accepted_with_the_same_content_alone()
    {
        Accepted(Held, Held);
        Accepted(Held with { SignedAt = Now.AddMinutes(-1) }, Held);
        Refused(BundleRejection.SameSequenceOtherContent, Held with { Epoch = 2 }, Held);
        Refused(BundleRejection.SameSequenceOtherContent, Held with { ControlPlaneIssuers = [] }, Held);
        Refused(BundleRejection.SameSequenceOtherContent, Held with { Bans = [new IdentityBan(_east.Web, Now)] }, Held);
    }

    [Fact]
    public void A_stale_bundle_is_refused_where_a_fresh_one_is_held()
    {
        var (fresh, stale) = (Now.AddMinutes(-60), Now.AddMinutes(-61));
        Refused(BundleRejection.StaleSignature, Held with { Sequence = 11, SignedAt = stale }, Held);
        Accepted(Held with { Sequence = 11, SignedAt = fresh }, Held);
        Accepted(Held with { Sequence = 11, SignedAt = stale }, Held with { SignedAt = stale.AddDays(-1) });
    }

    [Fact]
    public void A_revocation_stays_until_the_revoked_authority_has_expired()
    {
        var revocation = new Revocation(_east.WorkloadIssuer.KeyHash, Now.AddDays(-1), Now.AddDays(1), "stolen");
        var held = Held with { Revocations = [revocation] };

        Refused(BundleRejection.DroppedRevocation, Held with { Sequence = 11 }, held);
        Accepted(held with { Sequence = 11 }, held);
        Accepted(Held with { Sequence = 11 }, Held with { Revocations = [revocation with { AuthorityNotAfter = Now.AddSeconds(-1) }] });
    }

    private void Accepted(TrustBundle next, TrustBundle held) => _bundles.Sign(next).VerifySuccessor(held, Now);

    private void Refused(BundleRejection reason, TrustBundle next, TrustBundle held)
    {
        var signed = _bundles.Sign(next);
        Assert.Equal(reason, Assert.Throws<BundleRejectedException>(() => signed.VerifySuccessor(held, Now)).Reason);
    }
}
