using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;
using Mesh.Tests.Oidc;

namespace Mesh.Grains.Tests.Attestation;

/// <summary>What proves and what does not is asked of one mesh that all cases share; what changes it has one of its own.</summary>
public class JwtEnrollmentTests(OidcMesh shared) : IClassFixture<OidcMesh>
{
    public static TheoryData<string> Good => ["RS256", "PS256", "ES256", "ES384", "a single audience", "typ JWT", "60 s behind", "60 s ahead", "no nbf"];

    public static TheoryData<string, string> Wrong => new()
    {
        { "signed by another key", "not signed by the key" },
        { "changed after it was signed", "not signed by the key" },
        { "without its signature", "not signed by the key" },
        { "expired", "was good until" },
        { "not yet valid", "is not good before" },
        { "issued in the future", "was issued at" },
        { "good for too long", "at most 1.00:00:00 are accepted" },
        { "for another audience", "another audience" },
        { "for an audience of that beginning", "another audience" },
        { "of another issuer", "no tokens of its issuer" },
        { "of the issuer with a slash", "no tokens of its issuer" },
        { "of another account", "/sa/voting, not of" },
        { "of another namespace", "/ns/shop/sa/web, not of" },
        { "of a user", "not of the form" },
        { "of an account with a colon", "not of the form" },
        { "of an account in capitals", "not of the form" },
        { "by an unknown key", "no key of the name" },
        { "without a key's name", "names no key" },
        { "alg none", "is none of RS256" },
        { "HS256 with the public key", "is none of RS256" },
        { "RS512", "is none of RS256" },
        { "ES256 by the name of the RSA key", "not that of its issuer's key" },
        { "typ at+jwt", "type of the JWT" },
        { "crit", "'crit'" },
        { "iss twice", "no valid JSON" },
        { "alg twice", "no valid JSON" },
        { "five parts", "three parts" },
        { "a JWE inside", "no valid JSON" },
        { "no exp", "no member 'exp'" },
        { "no iat", "no member 'iat'" },
        { "exp as text", "'exp'" },
        { "over 8 KiB", "at most 8192" },
        { "empty", "three parts" },
    };

    [Theory]
    [MemberData(nameof(Good))]
    public async Task A_right_token_yields_a_certificate_that_verifies_and_no_token_for_a_restart(string what)
    {
        var mesh = shared;
        var before = mesh.RefusedTokens;
        var claims = TestOidcIssuer.Claims("web", mesh.Now);
        var token = what switch
        {
            "RS256" => mesh.Issuer.Sign(claims),
            "PS256" => mesh.Issuer.Sign(new JsonObject { ["alg"] = "PS256", ["kid"] = "rsa-1" }, claims.ToJsonString()),
            "ES256" => mesh.Issuer.Sign(new JsonObject { ["alg"] = "ES256", ["kid"] = "ec-256" }, claims.ToJsonString()),
            "ES384" => mesh.Issuer.Sign(new JsonObject { ["alg"] = "ES384", ["kid"] = "ec-384" }, claims.ToJsonString()),
            "typ JWT" => mesh.Issuer.Sign(new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = "rsa-1" }, claims.ToJsonString()),
            "a single audience" => mesh.Issuer.Sign(With(claims, "aud", TestOidcIssuer.Audience)),
            "60 s behind" => mesh.Issuer.Sign(With(TestOidcIssuer.Claims("web", mesh.Now.AddHours(-1)), "exp", mesh.Now.AddSeconds(-59).ToUnixTimeSeconds())),
            "60 s ahead" => mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now.AddSeconds(60))),
            _ => mesh.Issuer.Sign(Without(claims, "nbf")),
        };

        var issued = await mesh.EnrollAsync(token);

        var verdict = new SvidVerifier(mesh.Cluster.Clock).Verify(issued.Chain, await mesh.Cluster.BundleAsync(), OidcMesh.IdOf("web"));
        Assert.True(verdict.IsValid, verdict.Detail);
        Assert.Null(issued.ReenrollmentToken);
        Assert.Equal(issued.InstanceId, mesh.Cluster.Issuance.Records[^1].InstanceId);
        Assert.Equal(before, mesh.RefusedTokens);
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_token_is_refused_by_name_and_counted_and_nothing_is_issued(string what, string word)
    {
        var mesh = shared;
        var (records, refused) = (mesh.Cluster.Issuance.Records.Count, mesh.RefusedTokens);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.EnrollAsync(Forge(mesh, what)));

        Assert.Equal(MeshError.TokenRejected, refusal.Error);
        Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(records, mesh.Cluster.Issuance.Records.Count);
        Assert.Equal(refused + 1, mesh.RefusedTokens);
        // Nothing but the one thing was wrong.
        Assert.NotEmpty((await mesh.EnrollAsync(mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now)))).Chain);
    }

    [Fact]
    public async Task One_token_enrolls_many_instances_but_the_identical_request_gets_the_identical_answer()
    {
        await using var mesh = await OidcMesh.StartAsync();
        var token = mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now));
        var csr = OidcMesh.NewCsr("web");
        var first = await mesh.EnrollAsync(token, csr);

        var repeats = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => mesh.EnrollAsync(token, csr)));
        var other = await mesh.EnrollAsync(token);

        Assert.All(repeats, repeat => Assert.Equal(first.Chain[0], repeat.Chain[0]));
        Assert.NotEqual(first.InstanceId, other.InstanceId);
        Assert.Equal(2, mesh.Cluster.Issuance.Records.Count);
    }

    [Fact]
    public async Task A_request_that_the_store_lost_the_answer_of_is_answered_once_it_is_back()
    {
        await using var mesh = await OidcMesh.StartAsync();
        var token = mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now));
        var csr = OidcMesh.NewCsr("web");
        // The second write is that of the certificate; it is stored, and nobody hears of it.
        mesh.Cluster.Stores.Faults.CrashAt(2, afterCommit: true);
        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.EnrollAsync(token, csr));
        Assert.Equal(MeshError.NotReady, refusal.Error);

        mesh.Cluster.Stores.Faults.Restart();

        var issued = await mesh.EnrollAsync(token, csr);
        Assert.Equal(issued.Chain[0], Assert.Single(mesh.Cluster.Issuance.Records).Leaf);
    }

    [Fact]
    public async Task A_certificate_that_a_token_brought_renews_by_record()
    {
        await using var mesh = await OidcMesh.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var first = await mesh.EnrollAsync(
            mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now)), CertificateRequestBuilder.CreateCsr(OidcMesh.IdOf("web"), key));
        using var held = SvidCredential.Create(first.Chain, key);
        var csr = OidcMesh.NewCsr("web");

        var renewed = await mesh.Cluster.RenewAsync(
            new SignRequest(OidcMesh.IdOf("web"), csr, new RenewalEvidence(held.Svid.LeafDer, RenewalProof.Create(held, csr)), 0));

        Assert.Equal(first.InstanceId, renewed.InstanceId);
        Assert.Equal([1, 2], mesh.Cluster.Issuance.Records.Select(record => record.Generation));
    }

    [Fact]
    public async Task A_banned_identity_does_not_enroll_with_a_token_from_after_the_ban()
    {
        await using var mesh = await OidcMesh.StartAsync();
        await mesh.Cluster.Trust.BanAsync(OidcMesh.IdOf("web"));
        mesh.Cluster.Clock.Advance(TimeSpan.FromMinutes(5));

        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.EnrollAsync(mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now))));

        Assert.Equal(MeshError.Revoked, refusal.Error);
        Assert.Empty(mesh.Cluster.Issuance.Records);
    }

    [Theory]
    [InlineData("spiffe://east.mesh.example/mesh/proxyhost/proxyhost-0")]
    [InlineData("spiffe://east.mesh.example/mesh/silo/silo-0")]
    [InlineData("spiffe://west.mesh.example/ns/emojivoto/sa/web")]
    public async Task A_token_is_for_workloads_of_this_trust_domain_alone(string id)
    {
        var (mesh, records) = (shared, shared.Cluster.Issuance.Records.Count);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.EnrollAsync(
            mesh.Issuer.Sign(TestOidcIssuer.Claims("web", mesh.Now)), CertificateRequestBuilder.CreateCsr(SpiffeId.Parse(id), key)));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Equal(records, mesh.Cluster.Issuance.Records.Count);
    }

    [Fact]
    public async Task A_silo_without_issuers_takes_no_tokens_of_any()
    {
        await using var mesh = await MeshCluster.StartAsync();
        using var issuer = new TestOidcIssuer();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.Grains.GetGrain<Mesh.Grains.Interfaces.Attestation.IEnrollmentGrain>(MeshCluster.TrustDomain.Name)
            .EnrollByJwtAsync(
                OidcMesh.NewCsr("web"), new JwtEvidence(issuer.Sign(TestOidcIssuer.Claims("web", mesh.Clock.GetUtcNow()))), CancellationToken.None));

        Assert.Equal(MeshError.TokenRejected, refusal.Error);
    }

    [Fact]
    public void Evidence_has_no_loggable_form() => Assert.Equal("JwtEvidence", new JwtEvidence("secret").ToString());

    private static string Forge(OidcMesh mesh, string what)
    {
        var (issuer, now) = (mesh.Issuer, mesh.Now);
        var claims = TestOidcIssuer.Claims("web", now);
        var good = issuer.Sign(claims);
        using var stranger = new TestOidcIssuer();
        return what switch
        {
            "signed by another key" => stranger.Sign(claims),
            "changed after it was signed" => Splice(good, issuer.Sign(TestOidcIssuer.Claims("voting", now))),
            "without its signature" => good[..(good.LastIndexOf('.') + 1)],
            "expired" => issuer.Sign(TestOidcIssuer.Claims("web", now.AddHours(-1).AddSeconds(-60))),
            "not yet valid" => issuer.Sign(With(claims, "nbf", now.AddSeconds(61).ToUnixTimeSeconds())),
            "issued in the future" => issuer.Sign(With(claims, "iat", now.AddSeconds(61).ToUnixTimeSeconds())),
            "good for too long" => issuer.Sign(With(claims, "exp", now.AddHours(24).AddSeconds(1).ToUnixTimeSeconds())),
            "for another audience" => issuer.Sign(With(claims, "aud", new JsonArray("https://kubernetes.default.svc", "vault"))),
            "for an audience of that beginning" => issuer.Sign(With(claims, "aud", TestOidcIssuer.Audience + "/")),
            "of another issuer" => issuer.Sign(With(claims, "iss", "https://elsewhere.example")),
            "of the issuer with a slash" => issuer.Sign(With(claims, "iss", TestOidcIssuer.Issuer + "/")),
            "of another account" => issuer.Sign(TestOidcIssuer.Claims("voting", now)),
            "of another namespace" => issuer.Sign(TestOidcIssuer.Claims("web", now, "shop")),
            "of a user" => issuer.Sign(With(claims, "sub", "system:admin")),
            "of an account with a colon" => issuer.Sign(With(claims, "sub", "system:serviceaccount:emojivoto:web:web")),
            "of an account in capitals" => issuer.Sign(With(claims, "sub", "system:serviceaccount:emojivoto:WEB")),
            "by an unknown key" => issuer.Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa-0" }, claims.ToJsonString()),
            "without a key's name" => issuer.Sign(new JsonObject { ["alg"] = "RS256" }, claims.ToJsonString()),
            "alg none" => issuer.Sign(new JsonObject { ["alg"] = "none", ["kid"] = "rsa-1" }, claims.ToJsonString()),
            "HS256 with the public key" => issuer.Sign(new JsonObject { ["alg"] = "HS256", ["kid"] = "rsa-1" }, claims.ToJsonString()),
            "RS512" => issuer.Sign(new JsonObject { ["alg"] = "RS512", ["kid"] = "rsa-1" }, claims.ToJsonString()),
            "ES256 by the name of the RSA key" => issuer.Sign(new JsonObject { ["alg"] = "ES256", ["kid"] = "rsa-1" }, claims.ToJsonString()),
            "typ at+jwt" => issuer.Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa-1", ["typ"] = "at+jwt" }, claims.ToJsonString()),
            "crit" => issuer.Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa-1", ["crit"] = new JsonArray("exp") }, claims.ToJsonString()),
            "iss twice" => issuer.Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa-1" }, claims.ToJsonString()[..^1] + ",\"iss\":\"https://elsewhere.example\"}"),
            "alg twice" => issuer.Sign("""{"alg":"none","alg":"RS256","kid":"rsa-1"}""", claims.ToJsonString(), "RS256"),
            "five parts" => good + ".AAAA.AAAA",
            "a JWE inside" => issuer.Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa-1", ["cty"] = "JWT" }, "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"),
            "no exp" => issuer.Sign(Without(claims, "exp")),
            "no iat" => issuer.Sign(Without(claims, "iat")),
            "exp as text" => issuer.Sign(With(claims, "exp", claims["exp"]!.ToJsonString())),
            "over 8 KiB" => issuer.Sign(With(claims, "padding", new string('x', 8 * 1024))),
            "empty" => "",
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
    }

    // The claims of the first under the signature of the second.
    private static string Splice(string claims, string signature) => $"{claims[..claims.LastIndexOf('.')]}{signature[signature.LastIndexOf('.')..]}";

    private static JsonObject With(JsonObject claims, string name, JsonNode value)
    {
        claims[name] = value;
        return claims;
    }

    private static JsonObject Without(JsonObject claims, string name)
    {
        claims.Remove(name);
        return claims;
    }
}
