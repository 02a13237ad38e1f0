using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Oidc;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Enrollment;

/// <summary>Enrollment by a JWT, between processes. Each rule of it is tested in <c>Grains.Tests/Attestation</c>.</summary>
public class JwtEnrollmentTests(JwtMesh running) : IClassFixture<JwtMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [Theory]
    [InlineData("bundle")]
    [InlineData("hash")]
    public async Task A_proxy_enrolls_with_its_JWT_and_after_a_restart_with_the_one_that_is_there_then(string anchors)
    {
        using var folder = new TempFolder();
        var account = $"by-{anchors}";
        File.WriteAllText(folder.File("jwt"), running.Issuer.Sign(TestOidcIssuer.Claims(account, Now, MeshUnderTest.Namespace)));
        File.WriteAllText(folder.File("bundle.json"), await running.BundleAsync());
        var anchor = TrustBundleJson.Read(File.ReadAllBytes(folder.File("bundle.json"))).Anchors[0].KeyHash;
        var admin = FreePorts.NextAddress();
        TestProcess Start() => ProxyBinary.Start($"{account}-proxy",
        [
            $"--Proxy:JwtFile={folder.File("jwt")}", $"--Proxy:Identity={Mesh.IdOf(account)}", $"--Proxy:ProxyHosts:0={Mesh.ProxyHostUrl}",
            anchors == "bundle" ? $"--Proxy:TrustBundleFile={folder.File("bundle.json")}" : $"--Proxy:AnchorHashes:0={anchor}",
            $"--Proxy:Data={folder.File("data")}", $"--Proxy:Admin:Listen={admin}",
        ]);

        string first;
        await using (var proxy = Start())
        {
            await Http.UntilReadyAsync(admin);
            first = Assert.Single(await Mesh.IdentitiesAsync(account)).InstanceId;
            await proxy.StopAsync();
        }

        Assert.False(File.Exists(Path.Combine(folder.File("data"), "reenrollment-token")));
        // The kubelet has been there in the meantime. The one before is still good, so only another one tells which was read.
        File.WriteAllText(folder.File("jwt"), "not yet written");
        await using var again = Start();
        await again.SaysAsync("The JWT is refused");
        File.WriteAllText(folder.File("jwt"), running.Issuer.Sign(TestOidcIssuer.Claims(account, Now, MeshUnderTest.Namespace)));
        await Http.UntilReadyAsync(admin);
        Assert.Equal(2, (await Mesh.IdentitiesAsync(account)).Select(identity => identity.InstanceId).Append(first).Distinct().Count());
    }

    [Theory]
    [InlineData("signed by another key", true)]
    [InlineData("expired", true)]
    [InlineData("not yet valid", true)]
    [InlineData("for another audience", true)]
    [InlineData("of another issuer", true)]
    [InlineData("by an unknown key", true)]
    [InlineData("of another account", true)]
    [InlineData("alg none", false)]
    [InlineData("HS256 with the public key", false)]
    [InlineData("noise", false)]
    [InlineData("over 8 KiB", false)]
    public async Task A_wrong_JWT_is_refused_and_counted_and_nothing_is_issued(string what, bool isForTheSilo)
    {
        var account = $"wrong-{what.Replace(' ', '-').ToLowerInvariant()}";
        var (refused, silo) = (await Refusals.CountAsync(Mesh, "TokenRejected"), await RefusedBySiloAsync());

        var refusal = await Assert.ThrowsAsync<RpcException>(() => EnrollAsync(account, Forge(account, what)));

        Assert.Equal(StatusCode.Unauthenticated, refusal.StatusCode);
        Assert.Contains("JWT", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(await Mesh.IdentitiesAsync(account));
        await Refusals.GrewAsync(Mesh, "TokenRejected", refused);
        // What has not the shape of a token is the ProxyHost's to refuse.
        await Eventually.UntilAsync(RefusedBySiloAsync, now => now == silo + (isForTheSilo ? 1 : 0), "the silo counts what came to it");
        Assert.NotEmpty((await EnrollAsync(account, running.Issuer.Sign(TestOidcIssuer.Claims(account, Now, MeshUnderTest.Namespace)))).Chain);
    }

    [Fact]
    public async Task A_message_without_evidence_is_refused()
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => EnrollAsync(new EnrollRequest { Csr = ByteString.CopyFrom(Csr("web")) }));

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
    }

    [Fact]
    public async Task Forged_JWTs_leave_no_line_in_the_silos_log()
    {
        var forged = Forge("quiet", "signed by another key");
        var (log, silo) = (Mesh.Silo.Output.Length, await RefusedBySiloAsync());

        for (var i = 0; i < 20; i++)
        {
            await Assert.ThrowsAsync<RpcException>(() => EnrollAsync("quiet", forged));
        }

        await Eventually.UntilAsync(RefusedBySiloAsync, now => now == silo + 20, "20 refusals are counted");
        Assert.Equal(log, Mesh.Silo.Output.Length);
    }

    private async Task<double> RefusedBySiloAsync() =>
        Refusals.Sum(await Http.GetAsync(Mesh.SiloMetrics.ToString()), "mesh_svid_refused_total", "error_type=\"TokenRejected\"");

    private byte[] Csr(string account)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(Mesh.IdOf(account), key);
    }

    private Task<CertifyResponse> EnrollAsync(string account, string jwt) =>
        EnrollAsync(new EnrollRequest { Jwt = jwt, Csr = ByteString.CopyFrom(Csr(account)) });

    private async Task<CertifyResponse> EnrollAsync(EnrollRequest request)
    {
        using var proxy = new TestProxy(Mesh.ProxyHostUrl);
        return await proxy.Enrollment.EnrollAsync(request);
    }

    private string Forge(string account, string what)
    {
        var issuer = running.Issuer;
        var claims = TestOidcIssuer.Claims(account, Now, MeshUnderTest.Namespace);
        using var stranger = new TestOidcIssuer();
        switch (what)
        {
            case "signed by another key":
                return stranger.Sign(claims);
            case "expired":
                return issuer.Sign(TestOidcIssuer.Claims(account, Now.AddHours(-2), MeshUnderTest.Namespace));
            case "not yet valid":
                claims["nbf"] = Now.AddMinutes(5).ToUnixTimeSeconds();
                return issuer.Sign(claims);
            case "for another audience":
                claims["aud"] = "https://kubernetes.default.svc";
                return issuer.Sign(claims);
            case "of another issuer":
                claims["iss"] = "https://elsewhere.example";
                return issuer.Sign(claims);
            case "by an unknown key":
                return issuer.Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa-0" }, claims.ToJsonString());
            case "of another account":
                return issuer.Sign(TestOidcIssuer.Claims("somebody-else", Now, MeshUnderTest.Namespace));
            case "alg none":
                return issuer.Sign(new JsonObject { ["alg"] = "none", ["kid"] = issuer.RsaKeyId }, claims.ToJsonString());
            case "HS256 with the public key":
                return issuer.Sign(new JsonObject { ["alg"] = "HS256", ["kid"] = issuer.RsaKeyId }, claims.ToJsonString());
            case "noise":
                return "noise";
            default:
                claims["padding"] = new string('x', 8 * 1024);
                return issuer.Sign(claims);
        }
    }
}
