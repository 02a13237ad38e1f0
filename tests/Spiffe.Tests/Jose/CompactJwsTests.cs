using System.Security.Cryptography;
using System.Text;

namespace Mesh.Spiffe.Tests;

/// <summary>RFC 7515 in compact form, read strictly.</summary>
public sealed class CompactJwsTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private byte[] PublicKey => _key.ExportSubjectPublicKeyInfo();

    [Fact]
    public void What_was_signed_is_verified_by_its_key_alone()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var message = CompactJws.Parse(CompactJws.Sign("test", "payload"u8, _key, "key-1"), 1000);

        Assert.Equal(("ES256", "test", "key-1"), (message.Algorithm, message.Type, message.KeyId));
        Assert.Equal("payload"u8, message.Payload.Span);
        Assert.True(message.Verify(PublicKey));
        Assert.False(message.Verify(other.ExportSubjectPublicKeyInfo()));
        Assert.False(message.Verify(new byte[] { 1, 2, 3 }));
    }

    [Fact]
    public void A_credential_signs_too()
    {
        using var web = new TestTrustDomain("east.example").Credential();
        using var leaf = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(web.Svid.LeafDer.Span);
        Assert.True(CompactJws.Parse(CompactJws.Sign("ack", "x"u8, web), 1000).Verify(leaf.PublicKey.ExportSubjectPublicKeyInfo()));
    }

    [Fact]
    public void Only_keys_on_P_256_sign_and_verify()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<ArgumentException>(() => CompactJws.Sign("test", [], p384));

        var input = Part("""{"alg":"ES256"}""") + "." + Part("x");
        Assert.False(CompactJws.Parse($"{input}.{Part(p384.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA384))}", 1000).Verify(p384.ExportSubjectPublicKeyInfo()));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("es256")]
    [InlineData("HS256")]
    [InlineData("EdDSA")]
    [InlineData("ES384")]
    public void Another_algorithm_verifies_nothing(string algorithm)
    {
        var input = Part($$"""{"alg":"{{algorithm}}"}""") + "." + Part("x");
        byte[][] signatures =
        [
            [],
            _key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256),
            HMACSHA256.HashData(PublicKey, Encoding.ASCII.GetBytes(input)),
        ];
        Assert.All(signatures, signature => Assert.False(CompactJws.Parse($"{input}.{Part(signature)}", 1000).Verify(PublicKey)));
    }

    public static TheoryData<string> Malformed =>
    [
        "", ".", "..", "a.b", "a.b.c", "e30.e30", "e30.e30.e30.e30",
        Part("{}") + ".eA.eA", Part("[]") + ".eA.eA", Part("1") + ".eA.eA",
        Part("""{"alg":1}""") + ".eA.eA", Part("""{"alg":"ES256","crit":["exp"],"exp":1}""") + ".eA.eA",
        Part("""{"alg":"ES256","alg":"none"}""") + ".eA.eA", Part("""{"alg":"\ud800"}""") + ".eA.eA",
        Part("""{"alg":"ES256","x5c":["!"]}""") + ".eA.eA", Part("""{"alg":"ES256"} x""") + ".eA.eA",
        Part("""{"alg":"ES256"}""") + ".eA==.eA", Part("""{"alg":"ES256"}""") + ". eA.eA",
        Part("""{"alg":"ES256"}""") + ".eB.eA", Part("""{"alg":"ES256"}""") + ".e+.eA", Part("""{"alg":"ES256"}""") + ".é.eA",
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_one_is_refused(string text) => Assert.Throws<FormatException>(() => CompactJws.Parse(text, 1000));

    [Fact]
    public void One_that_is_too_long_is_refused()
    {
        var text = CompactJws.Sign("test", "payload"u8, _key);
        Assert.Throws<FormatException>(() => CompactJws.Parse(text, text.Length - 1));
        CompactJws.Parse(text, text.Length);
    }

    public void Dispose() => _key.Dispose();

    internal static string Part(string text) => Part(Encoding.UTF8.GetBytes(text));

    internal static string Part(byte[] bytes) => StrictBase64Url.Encode(bytes);
}
