using Microsoft.Extensions.Time.Testing;

namespace Mesh.Spiffe.Tests;

/// <summary>Validities, clocks that differ, the memory of verified leaves, and the expected identity.</summary>
public sealed class ClockTests
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly FakeTimeProvider _clock = new(TestTrustDomain.Now);

    [Theory]
    [InlineData(-21, SvidRejection.NotYetValid)]
    [InlineData(-20, SvidRejection.None)]
    public void A_leaf_is_accepted_20_seconds_before_its_time(int seconds, SvidRejection expected) =>
        CheckAt(leaf => leaf.NotBefore = TestTrustDomain.Now.AddSeconds(-seconds), expected);

    [Theory]
    [InlineData(20, SvidRejection.None)]
    [InlineData(21, SvidRejection.Expired)]
    public void A_leaf_is_accepted_20_seconds_after_its_time(int seconds, SvidRejection expected) =>
        CheckAt(leaf => leaf.NotAfter = TestTrustDomain.Now.AddSeconds(-seconds), expected);

    [Fact]
    public void A_refusal_over_time_names_both_times()
    {
        var detail = _east.VerifyWeb(leaf => leaf.NotAfter = TestTrustDomain.Now.AddMinutes(-3)).Detail;
        Assert.Contains("2030-06-01T11:57:00Z", detail, StringComparison.Ordinal);
        Assert.Contains("2030-06-01T12:00:00Z", detail, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expired_issuer_and_an_expired_anchor_are_refused()
    {
        var issuer = _east.Issuer("CN=old", spec => spec.NotAfter = TestTrustDomain.Now.AddMinutes(-1));
        Verdict.Refused(SvidRejection.Expired, _east.Verify(_east.Leaf(issuer: issuer), issuer));

        var old = TestTrustDomain.Authority("CN=old anchor", null);
        old.NotAfter = TestTrustDomain.Now.AddMinutes(-1);
        Verdict.Refused(SvidRejection.Expired, new TestTrustDomain("east.example", TestCertificate.SelfSigned(old)).VerifyWeb());
    }

    [Fact]
    public void The_allowance_can_be_chosen()
    {
        var leaf = TestTrustDomain.Der(_east.Leaf(change: spec => spec.NotAfter = TestTrustDomain.Now.AddSeconds(-5)), _east.WorkloadIssuer);
        Verdict.Refused(SvidRejection.Expired, new SvidVerifier(_clock, TimeSpan.Zero).Verify(leaf, _east.Bundle));
        Verdict.Accepted(new SvidVerifier(_clock).Verify(leaf, _east.Bundle));
    }

    [Fact]
    public void A_remembered_leaf_still_expires()
    {
        var verifier = new SvidVerifier(_clock);
        var chain = TestTrustDomain.Der(_east.Leaf(), _east.WorkloadIssuer);
        Verdict.Accepted(verifier.Verify(chain, _east.Bundle));
        Verdict.Accepted(verifier.Verify(chain, _east.Bundle));

        _clock.Advance(TimeSpan.FromHours(24));

        Verdict.Refused(SvidRejection.Expired, verifier.Verify(chain, _east.Bundle));
    }

    [Fact]
    public void A_remembered_leaf_is_refused_by_a_newer_bundle_that_revokes_it()
    {
        var verifier = new SvidVerifier(_clock);
        var chain = TestTrustDomain.Der(_east.Leaf(), _east.WorkloadIssuer);
        Verdict.Accepted(verifier.Verify(chain, _east.Bundle));

        // Even where whoever made the bundle forgot to raise its sequence.
        var revoking = _east.Bundle with { Revocations = [new Revocation(_east.WorkloadIssuer.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now, "")] };

        Verdict.Refused(SvidRejection.Revoked, verifier.Verify(chain, revoking));
    }

    [Fact]
    public void A_remembered_leaf_is_still_compared_with_the_expected_identity()
    {
        var verifier = new SvidVerifier(_clock);
        var chain = TestTrustDomain.Der(_east.Leaf(), _east.WorkloadIssuer);
        Verdict.Accepted(verifier.Verify(chain, _east.Bundle, _east.Web));
        Verdict.Refused(SvidRejection.UnexpectedIdentity, verifier.Verify(chain, _east.Bundle, _east.Silo));
        Verdict.Accepted(verifier.Verify(chain, _east.Bundle, _east.Web));
    }

    [Fact]
    public void A_remembered_leaf_with_other_intermediates_is_verified_anew()
    {
        var verifier = new SvidVerifier(_clock);
        var leaf = _east.Leaf();
        Verdict.Accepted(verifier.Verify(TestTrustDomain.Der(leaf, _east.WorkloadIssuer), _east.Bundle));
        Verdict.Refused(SvidRejection.UnknownAuthority, verifier.Verify(TestTrustDomain.Der(leaf), _east.Bundle));
    }

    [Fact]
    public void The_memory_of_verified_leaves_is_bounded()
    {
        var prepared = new PreparedBundle(_east.Bundle);
        var leaf = new VerifiedLeaf(X509Svid.Parse([_east.Leaf().Der]), TestTrustDomain.Now, TestTrustDomain.Now, _east.Anchor.KeyHash);
        for (var i = 0; i < 4097; i++)
        {
            prepared.Remember(KeyHash.OfPublicKey(BitConverter.GetBytes(i)), leaf);
        }

        Assert.Null(prepared.Recall(KeyHash.OfPublicKey(BitConverter.GetBytes(0))));
        Assert.Same(leaf, prepared.Recall(KeyHash.OfPublicKey(BitConverter.GetBytes(4096))));
    }

    [Fact]
    public void The_expected_identity_is_compared_last()
    {
        var chain = TestTrustDomain.Der(_east.Leaf(change: spec => spec.NotAfter = TestTrustDomain.Now.AddDays(-1).AddHours(23)), _east.WorkloadIssuer);
        Verdict.Refused(SvidRejection.Expired, new SvidVerifier(_clock).Verify(chain, _east.Bundle, _east.Silo));
    }

    [Fact]
    public void A_renewal_by_record_forgives_expiry_up_to_the_grace_and_nothing_else()
    {
        var verifier = new SvidVerifier(_clock);
        var grace = TimeSpan.FromDays(7);
        var expired = TestTrustDomain.Der(
            _east.Leaf(change: spec => (spec.NotBefore, spec.NotAfter) = (TestTrustDomain.Now.AddDays(-8), TestTrustDomain.Now.AddDays(-6))),
            _east.WorkloadIssuer);
        var older = TestTrustDomain.Der(
            _east.Leaf(change: spec => (spec.NotBefore, spec.NotAfter) = (TestTrustDomain.Now.AddDays(-9), TestTrustDomain.Now.AddDays(-8))),
            _east.WorkloadIssuer);
        var revoking = _east.Bundle with { Revocations = [new Revocation(_east.WorkloadIssuer.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now, "")] };

        Verdict.Accepted(verifier.VerifyIgnoringExpiry(expired, _east.Bundle, _east.Web, grace));
        Verdict.Refused(SvidRejection.Expired, verifier.VerifyIgnoringExpiry(older, _east.Bundle, _east.Web, grace));
        Verdict.Refused(SvidRejection.Revoked, verifier.VerifyIgnoringExpiry(expired, revoking, _east.Web, grace));
        Verdict.Refused(SvidRejection.UnexpectedIdentity, verifier.VerifyIgnoringExpiry(expired, _east.Bundle, _east.Silo, grace));
        Verdict.Refused(SvidRejection.Expired, verifier.Verify(expired, _east.Bundle));
    }

    private void CheckAt(Action<CertificateSpec> change, SvidRejection expected)
    {
        var verification = new SvidVerifier(_clock).Verify(TestTrustDomain.Der(_east.Leaf(change: change), _east.WorkloadIssuer), _east.Bundle);
        Assert.True(expected == verification.Rejection, $"{verification.Rejection}: {verification.Detail}");
    }
}
