using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Mesh.Spiffe.Tests;

/// <summary>Join tokens: made, read and refused.</summary>
public sealed class JoinTokenTests : IDisposable
{
    private static readonly DateTimeOffset Now = TestTrustDomain.Now;
    private static readonly TrustDomainName East = TrustDomainName.Parse("east.example");
    private static readonly KeyHash Anchor = KeyHash.OfPublicKey("anchor"u8);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private TokenKey[] Keys => [new TokenKey("key-1", _key.ExportSubjectPublicKeyInfo())];

    private static JoinToken Token => JoinToken.Create(
        SpiffeId.ForWorkload(East, "shop", "web"), Now.AddMilliseconds(999), TimeSpan.FromMinutes(10), [Anchor], [new Uri("https://127.0.0.1:8443")], JoinTokenUse.Reenroll);

    [Fact]
    public void A_token_survives_signing_and_reading()
    {
        var token = Token;
        var text = token.Sign(_key, "key-1");

        foreach (var read in new[] { JoinToken.Verify(text, Keys, East, Now), JoinToken.ParseUnverified(text) })
        {
            Assert.Equal((token.Subject, token.Id, token.IssuedAt, token.ExpiresAt, token.Use), (read.Subject, read.Id, read.IssuedAt, read.ExpiresAt, read.Use));
            Assert.Equal(token.Anchors, read.Anchors);
            Assert.Equal(token.Addresses, read.Addresses);
        }

        Assert.Matches("^[a-z2-7]{26}$", token.Id);
        Assert.NotEqual(token.Id, Token.Id);
        Assert.Equal((Now, Now.AddMinutes(10)), (token.IssuedAt, token.ExpiresAt));
    }

    [Fact]
    public void A_token_that_is_over_or_of_the_future_is_refused()
    {
        var text = Token.Sign(_key, "key-1");
        Refused(JoinTokenRejection.Expired, text, Now.AddMinutes(10));
        Refused(JoinTokenRejection.NotYetValid, text, Now.AddSeconds(-21));
        JoinToken.Verify(text, Keys, East, Now.AddMinutes(10).AddSeconds(-1));
        JoinToken.Verify(text, Keys, East, Now.AddSeconds(-20));
    }

    [Fact]
    public void A_token_by_an_unknown_or_another_key_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Refused(JoinTokenRejection.UnknownKey, Token.Sign(_key, "key-2"));
        Refused(JoinTokenRejection.UnknownKey, CompactJws.Sign(JoinToken.Type, Claims(_ => { }), _key));
        Refused(JoinTokenRejection.BadSignature, Token.Sign(other, "key-1"));
    }

    [Fact]
    public void A_token_of_another_trust_domain_is_refused()
    {
        Refused(JoinTokenRejection.WrongTrustDomain, Signed(claims => (claims["iss"], claims["sub"]) = ("west.example", "spiffe://west.example/ns/shop/sa/web")));
        Refused(JoinTokenRejection.WrongTrustDomain, Signed(claims => claims["iss"] = "west.example"));
        Refused(JoinTokenRejection.WrongTrustDomain, Signed(claims => claims["sub"] = "spiffe://west.example/ns/shop/sa/web"));
    }

    [Fact]
    public void A_token_for_another_audience_is_refused()
    {
        Refused(JoinTokenRejection.WrongAudience, Signed(claims => claims["aud"] = "mesh-admin"));
        Assert.Equal(JoinTokenRejection.WrongAudience, Assert.Throws<JoinTokenException>(() => JoinToken.ParseUnverified(Signed(claims => claims["aud"] = "x"))).Reason);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    public void A_token_without_a_true_signature_is_refused(string algorithm)
    {
        var input = CompactJwsTests.Part($$"""{"alg":"{{algorithm}}","typ":"mesh-join+jwt","kid":"key-1"}""") + "." + CompactJwsTests.Part(Claims(_ => { }));
        Refused(JoinTokenRejection.Malformed, input + ".");
        Refused(JoinTokenRejection.Malformed, $"{input}.{CompactJwsTests.Part(HMACSHA256.HashData(_key.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(input)))}");
    }

    [Fact]
    public void A_JWS_of_another_type_is_no_token() =>
        Refused(JoinTokenRejection.Malformed, CompactJws.Sign("mesh-bundle+jws", Claims(_ => { }), _key, "key-1"));

    [Fact]
    public void An_altered_token_is_refused()
    {
        var text = Token.Sign(_key, "key-1");
        var parts = text.Split('.');
        var claims = JsonNode.Parse(StrictBase64Url.Decode(parts[1], "claims"))!.AsObject();
        claims["sub"] = "spiffe://east.example/mesh/silo/silo-0";
        Refused(JoinTokenRejection.BadSignature, $"{parts[0]}.{CompactJwsTests.Part(claims.ToJsonString())}.{parts[2]}");
        for (var i = 0; i < text.Length; i++)
        {
            var altered = text.ToCharArray();
            altered[i] = altered[i] == 'A' ? 'B' : 'A';
            Assert.Throws<JoinTokenException>(() => JoinToken.Verify(new string(altered), Keys, East, Now));
        }
    }

    public static TheoryData<string, string?> BrokenClaims => new()
    {
        { "iss", null }, { "iss", "1" }, { "sub", null }, { "sub", "\"https://x\"" }, { "sub", "\"spiffe://east.example\"" },
        { "aud", null }, { "aud", "[\"mesh-enroll\"]" }, { "jti", null }, { "jti", "\"short\"" }, { "jti", "\"aaaaaaaaaaaaaaaaaaaaaaaaa\\n\"" },
        { "iat", null }, { "iat", "-1" }, { "iat", "\"1\"" }, { "exp", null }, { "exp", "1" }, { "exp", "9223372036854775807" },
        { "anchors", null }, { "anchors", "[]" }, { "anchors", "[\"00\"]" }, { "anchors", "[1,2,3,4,5,6,7,8,9]" },
        { "addresses", null }, { "addresses", "[]" }, { "addresses", "[\"http://h:1\"]" }, { "addresses", "[\"https://u@h:1\"]" },
        { "addresses", "[\"https://h:1/path\"]" }, { "addresses", "[\"/relative\"]" }, { "uses", null }, { "uses", "\"both\"" },
    };

    [Theory]
    [MemberData(nameof(BrokenClaims))]
    public void A_broken_claim_is_refused(string claim, string? value) => Refused(JoinTokenRejection.Malformed, Signed(claims =>
    {
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = JsonNode.Parse(value);
        }
    }));

    [Fact]
    public void A_megabyte_of_noise_is_refused() => Refused(JoinTokenRejection.Malformed, new string('x', 1024 * 1024));

    [Fact]
    public void A_token_is_made_within_its_bounds_alone()
    {
        var id = SpiffeId.ForWorkload(East, "shop", "web");
        Uri[] addresses = [new Uri("https://host:1")];
        Assert.Throws<ArgumentException>(() => JoinToken.Create(id, Now, TimeSpan.FromMinutes(1), [], addresses));
        Assert.Throws<ArgumentException>(() => JoinToken.Create(id, Now, TimeSpan.FromMinutes(1), [Anchor], [new Uri("http://host:1")]));
        Assert.Throws<ArgumentException>(() => JoinToken.Create(East.Id, Now, TimeSpan.FromMinutes(1), [Anchor], addresses));
        Assert.Throws<ArgumentOutOfRangeException>(() => JoinToken.Create(id, Now, TimeSpan.Zero, [Anchor], addresses));
    }

    public void Dispose() => _key.Dispose();

    private static byte[] Claims(Action<JsonObject> change)
    {
        var claims = JsonNode.Parse(JoinTokenClaims.Write(Token))!.AsObject();
        change(claims);
        return Encoding.UTF8.GetBytes(claims.ToJsonString());
    }

    private string Signed(Action<JsonObject> change) => CompactJws.Sign(JoinToken.Type, Claims(change), _key, "key-1");

    private void Refused(JoinTokenRejection reason, string text, DateTimeOffset? now = null)
    {
        var exception = Assert.Throws<JoinTokenException>(() => JoinToken.Verify(text, Keys, East, now ?? Now));
        Assert.True(reason == exception.Reason, $"{exception.Reason}: {exception.Message}");
    }
}
