using System.Text.Json.Nodes;
using Mesh.Grains.Attestation.Oidc;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Tests.Oidc;

namespace Mesh.Grains.Tests.Attestation;

public class JwksFileTests
{
    [Fact]
    public async Task New_keys_in_the_file_take_the_place_of_the_old_ones()
    {
        await using var mesh = await OidcMesh.StartAsync();
        var old = mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now));
        await mesh.EnrollAsync(old);

        mesh.Issuer.Rotate();
        var fresh = mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now));
        var early = await Assert.ThrowsAsync<MeshException>(() => mesh.EnrollAsync(fresh));
        mesh.Publish(mesh.Issuer.Jwks);
        mesh.Cluster.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Contains("no key of the name", early.Message, StringComparison.Ordinal);
        Assert.NotEmpty((await mesh.EnrollAsync(fresh)).Chain);
        var late = await Assert.ThrowsAsync<MeshException>(() => mesh.EnrollAsync(old));
        Assert.Contains("no key of the name", late.Message, StringComparison.Ordinal);
        Assert.Equal(2, mesh.Cluster.Issuance.Records.Count);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("no keys")]
    [InlineData("too large")]
    [InlineData("gone")]
    public async Task What_cannot_be_used_leaves_the_keys_before_it_in_force(string what)
    {
        await using var mesh = await OidcMesh.StartAsync();
        var token = mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now));
        await mesh.EnrollAsync(token);

        switch (what)
        {
            case "no JSON":
                mesh.Publish("{");
                break;
            case "no keys":
                mesh.Publish("""{"keys":[]}""");
                break;
            case "too large":
                mesh.Publish(mesh.Issuer.Jwks + new string(' ', JwksFile.MaxBytes));
                break;
            default:
                File.Delete(mesh.JwksFile);
                break;
        }

        mesh.Cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEmpty((await mesh.EnrollAsync(token)).Chain);

        // And it is not stuck with them.
        mesh.Issuer.Rotate();
        mesh.Publish(mesh.Issuer.Jwks);
        mesh.Cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEmpty((await mesh.EnrollAsync(mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now)))).Chain);
    }

    [Theory]
    [InlineData("{}", "no array 'keys'")]
    [InlineData("""{"keys":[],"keys":[]}""", "no valid JSON")]
    [InlineData("""{"keys":[]}""", "no key for")]
    [InlineData("""{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""", "private or a secret key")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"!","e":"AQAB"}]}""", "no RSA key")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}""", "no EC key")]
    [InlineData("""{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}""", "no key for")]
    [InlineData("""{"keys":[1]}""", "cannot be read")]
    public void Keys_that_are_none_are_named(string jwks, string word) =>
        Assert.Contains(word, Assert.Throws<FormatException>(() => Parse(jwks)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("private", "private or a secret key")]
    [InlineData("weak", "at least 2048 bits")]
    [InlineData("twice", "the same 'kid'")]
    [InlineData("two without a name", "the same 'kid'")]
    [InlineData("for encryption", "no key for")]
    [InlineData("for another algorithm", "no key for")]
    public void Keys_that_may_not_be_used_are_named(string what, string word)
    {
        using var issuer = new TestOidcIssuer();
        using var weak = System.Security.Cryptography.RSA.Create(1024);
        var key = issuer.RsaJwk();
        var keys = new JsonArray(key);
        switch (what)
        {
            case "private":
                key["d"] = "AQAB";
                break;
            case "weak":
                key["n"] = System.Buffers.Text.Base64Url.EncodeToString(weak.ExportParameters(false).Modulus);
                break;
            case "twice":
                keys.Add(TestOidcIssuer.EcJwk(issuer.P256, "P-256", issuer.RsaKeyId));
                break;
            case "two without a name":
                key.Remove("kid");
                keys.Add(key.DeepClone());
                break;
            case "for encryption":
                key["use"] = "enc";
                break;
            default:
                key["alg"] = "RSA-OAEP";
                break;
        }

        Assert.Contains(word, Assert.Throws<FormatException>(() => Parse(new JsonObject { ["keys"] = keys }.ToJsonString())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_key_needs_no_name_and_several_do()
    {
        using var issuer = new TestOidcIssuer();
        var one = Parse(new JsonObject { ["keys"] = new JsonArray(issuer.RsaJwk()) }.ToJsonString());
        var three = Parse(issuer.Jwks);

        Assert.NotNull(one.Find(null));
        Assert.Null(one.Find("rsa-0"));
        Assert.Null(three.Find(null));
        Assert.Equal("ec-384", three.Find("ec-384")!.KeyId);
    }

    [Fact]
    public void A_key_that_is_for_one_algorithm_is_for_no_other()
    {
        using var issuer = new TestOidcIssuer();
        var key = issuer.RsaJwk();
        key["alg"] = "PS256";

        Assert.Equal(["PS256"], Parse(new JsonObject { ["keys"] = new JsonArray(key) }.ToJsonString()).Find("rsa-1")!.Algorithms);
    }

    private static OidcKeys Parse(string jwks) => OidcKeys.Parse(System.Text.Encoding.UTF8.GetBytes(jwks));
}
