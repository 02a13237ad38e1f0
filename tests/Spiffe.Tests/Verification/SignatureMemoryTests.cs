using Microsoft.Extensions.Time.Testing;

namespace Mesh.Spiffe.Tests;

/// <summary>One verifier that has met a chain before: a signature that it remembers says nothing of anything else.</summary>
public sealed class SignatureMemoryTests
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly SvidVerifier _verifier = new(new FakeTimeProvider(TestTrustDomain.Now));

    [Fact]
    public void What_was_accepted_is_refused_under_a_bundle_that_revokes_its_issuer()
    {
        var chain = AcceptedChain();

        var revoking = _east.Bundle with
        {
            Sequence = 2, Revocations = [new Revocation(_east.WorkloadIssuer.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now.AddYears(9), "stolen")],
        };

        Verdict.Refused(SvidRejection.Revoked, _verifier.Verify(chain, revoking));
    }

    [Fact]
    public void What_was_accepted_is_refused_under_a_bundle_without_its_anchor()
    {
        var chain = AcceptedChain();

        var elsewhere = _east.Bundle with { Sequence = 2, Anchors = new TestTrustDomain("east.example").Bundle.Anchors };

        Assert.False(_verifier.Verify(chain, elsewhere).IsValid);
    }

    [Fact]
    public void An_accepted_leaf_with_another_signature_is_refused()
    {
        var chain = AcceptedChain();
        var altered = chain[0].ToArray();
        altered[^1] ^= 1;

        Verdict.Refused(SvidRejection.BadSignature, _verifier.Verify([altered, chain[1]], _east.Bundle with { Sequence = 2 }));
    }

    // Twice, under a bundle of its own each time: the second meets remembered signatures.
    private IReadOnlyList<ReadOnlyMemory<byte>> AcceptedChain()
    {
        var chain = TestTrustDomain.Der(_east.Leaf(), _east.WorkloadIssuer);
        Verdict.Accepted(_verifier.Verify(chain, _east.Bundle));
        Verdict.Accepted(_verifier.Verify(chain, _east.Bundle with { SignedAt = TestTrustDomain.Now.AddSeconds(1) }));
        return chain;
    }
}
