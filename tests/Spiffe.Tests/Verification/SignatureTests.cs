using System.Security.Cryptography;

namespace Mesh.Spiffe.Tests;

/// <summary>Which signatures count.</summary>
public sealed class SignatureTests
{
    private readonly TestTrustDomain _east = new("east.example");

    [Fact]
    public void Every_byte_of_a_leaf_is_protected()
    {
        var leaf = _east.Leaf().Der;
        for (var i = 0; i < leaf.Length; i++)
        {
            var altered = leaf.ToArray();
            altered[i] ^= 1;
            var verification = new SvidVerifier(new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestTrustDomain.Now))
                .Verify([altered, _east.WorkloadIssuer.Der], _east.Bundle);
            Assert.False(verification.IsValid, $"byte {i}");
        }
    }

    [Fact]
    public void A_signature_by_another_key_with_the_issuers_name_is_refused()
    {
        var impostor = _east.Issuer("CN=east.example workload issuer");
        var leaf = _east.Leaf(issuer: impostor, change: spec => spec.AuthorityKeyIdentifier = TestCertificate.KeyIdentifier(_east.WorkloadIssuer.Key));
        Verdict.Refused(SvidRejection.BadSignature, _east.Verify(leaf, _east.WorkloadIssuer));
    }

    [Theory]
    [InlineData("1.2.840.113549.1.1.5")]
    [InlineData("1.2.840.10045.4.1")]
    [InlineData("1.3.101.112")]
    [InlineData("1.2.840.113549.1.1.10")]
    public void SHA_1_Ed25519_and_PSS_without_parameters_are_refused(string algorithm) =>
        Verdict.Refused(SvidRejection.WeakKey, VerifyUnderRsa(2048, spec => spec.ClaimedAlgorithm = algorithm));

    [Fact]
    public void An_issuer_with_a_short_RSA_key_is_refused() =>
        Verdict.Refused(SvidRejection.WeakKey, VerifyUnderRsa(1024, _ => { }));

    [Theory]
    [InlineData("SHA256", false)]
    [InlineData("SHA384", false)]
    [InlineData("SHA512", false)]
    [InlineData("SHA256", true)]
    [InlineData("SHA384", true)]
    [InlineData("SHA512", true)]
    public void RSA_signatures_with_both_paddings_are_accepted(string hash, bool pss) =>
        Verdict.Accepted(VerifyUnderRsa(2048, spec =>
        {
            spec.Hash = new HashAlgorithmName(hash);
            spec.RsaPadding = pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        }));

    [Theory]
    [InlineData("SHA256")]
    [InlineData("SHA384")]
    [InlineData("SHA512")]
    public void ECDSA_signatures_with_each_hash_are_accepted(string hash)
    {
        var issuer = _east.Issuer("CN=issuer on P-384", spec => spec.Key = ECDsa.Create(ECCurve.NamedCurves.nistP384));
        Verdict.Accepted(_east.Verify(_east.Leaf(issuer: issuer, change: spec => spec.Hash = new HashAlgorithmName(hash)), issuer));
    }

    private SvidVerification VerifyUnderRsa(int bits, Action<CertificateSpec> changeLeaf)
    {
        var issuer = _east.Issuer("CN=RSA issuer", spec => spec.Key = RSA.Create(bits));
        return _east.Verify(_east.Leaf(issuer: issuer, change: changeLeaf), issuer);
    }
}
