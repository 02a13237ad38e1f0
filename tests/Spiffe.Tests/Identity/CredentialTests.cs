using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>Key hashes, chains, credentials and requests.</summary>
public sealed class CredentialTests
{
    private readonly TestTrustDomain _east = new("east.example");

    [Fact]
    public void A_key_hash_is_the_SHA_256_of_the_public_key()
    {
        var leaf = _east.Leaf();
        using var certificate = leaf.Load();
        var hash = KeyHash.Of(certificate);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(leaf.Key.ExportSubjectPublicKeyInfo())), hash.ToString());
        Assert.Equal(hash, KeyHash.Parse(hash.ToString()));
        Assert.Equal(hash, X509Svid.Parse([leaf.Der]).KeyHash);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public void Anything_but_64_lower_case_hex_digits_is_no_key_hash(string hex)
    {
        Assert.False(KeyHash.TryParse(hex, out _));
        Assert.Throws<FormatException>(() => KeyHash.Parse(hex));
    }

    [Fact]
    public void An_SVID_tells_the_facts_of_its_leaf()
    {
        var leaf = _east.Leaf();
        var svid = X509Svid.Parse(TestTrustDomain.Der(leaf, _east.WorkloadIssuer));

        Assert.Equal(_east.Web, svid.Id);
        Assert.Equal("instance-1", svid.InstanceId);
        Assert.Equal(Convert.ToHexStringLower(leaf.Spec.Serial), svid.SerialNumber);
        Assert.Equal((leaf.Spec.NotBefore, leaf.Spec.NotAfter), (svid.NotBefore, svid.NotAfter));
        Assert.Equal(2, svid.Chain.Count);
    }

    [Fact]
    public void An_SVID_keeps_its_own_copy_of_the_bytes()
    {
        var der = _east.Leaf().Der.ToArray();
        var svid = X509Svid.Parse([der]);
        der.AsSpan().Clear();
        Assert.Equal(_east.Web, X509Svid.Parse(svid.Chain).Id);
    }

    [Fact]
    public void An_empty_chain_a_chain_of_nine_and_a_leaf_without_ID_are_no_SVID()
    {
        Assert.Throws<FormatException>(() => X509Svid.Parse([]));
        Assert.Throws<FormatException>(() => X509Svid.Parse([.. Enumerable.Repeat((ReadOnlyMemory<byte>)_east.Leaf().Der, 9)]));
        Assert.Throws<FormatException>(() => X509Svid.Parse([_east.Leaf(change: spec => spec.Uris.Clear()).Der]));
    }

    [Fact]
    public void A_credential_takes_no_key_but_the_leafs()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Throws<ArgumentException>(() => SvidCredential.Create(TestTrustDomain.Der(_east.Leaf()), other));
    }

    [Fact]
    public void A_credential_signs_and_shows_its_key_to_nobody()
    {
        using var web = _east.Credential();
        var signature = web.Sign("data"u8);

        using var certificate = X509CertificateLoader.LoadCertificate(web.Svid.LeafDer.Span);
        using var key = certificate.GetECDsaPublicKey()!;
        Assert.True(key.VerifyData("data"u8, signature, HashAlgorithmName.SHA256));
        Assert.False(key.VerifyData("Data"u8, signature, HashAlgorithmName.SHA256));
        Assert.Equal("spiffe://east.example/ns/shop/sa/web until 2030-06-02T11:00:00Z", web.ToString());
    }

    [Theory]
    [InlineData("spiffe://east.example/ns/shop/sa/web")]
    [InlineData("spiffe://1.2/ns/Shop/sa/we_b...")]
    public void A_request_has_exactly_one_URI_name_and_a_valid_signature(string id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = CertificateRequestBuilder.CreateCsr(SpiffeId.Parse(id), key);

        var request = CertificateRequest.LoadSigningRequest(csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);

        var extension = Assert.Single(request.CertificateExtensions);
        Assert.Equal([0x30, (byte)(id.Length + 2), 0x86, (byte)id.Length, .. System.Text.Encoding.ASCII.GetBytes(id)], extension.RawData);
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), request.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void A_renewal_is_proven_with_the_key_of_the_last_leaf()
    {
        using var web = _east.Credential();
        using var other = _east.Credential();
        byte[] csr = [1, 2, 3];
        var proof = RenewalProof.Create(web, csr);

        Assert.True(RenewalProof.Verify(web.Svid.LeafDer.Span, csr, proof));
        Assert.False(RenewalProof.Verify(other.Svid.LeafDer.Span, csr, proof));
        Assert.False(RenewalProof.Verify(web.Svid.LeafDer.Span, [1, 2, 4], proof));
        Assert.False(RenewalProof.Verify(web.Svid.LeafDer.Span, csr, proof.AsSpan(0, 63)));
        Assert.False(RenewalProof.Verify(web.Svid.LeafDer.Span, csr, []));
        Assert.False(RenewalProof.Verify(web.Svid.LeafDer.Span, csr, web.Sign(csr)));
        Assert.Throws<FormatException>(() => RenewalProof.Verify([1], csr, proof));
    }
}
