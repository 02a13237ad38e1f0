using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Session calls with every wrong certificate, while another proxy is served.</summary>
public class WrongCertificateTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    [Theory(Explicit = true)]
    [InlineData("no certificate", "NoCertificate")]
    [InlineData("a workload under a foreign anchor", "UnknownAuthority")]
    [InlineData("a workload of a foreign trust domain", "ForeignTrustDomain")]
    [InlineData("a silo's name under a foreign anchor", "UnknownAuthority")]
    [InlineData("a foreign leaf before a real chain", "UnknownAuthority")]
    [InlineData("a ProxyHost's own", "NotPermitted")]
    public async Task A_session_with(string who, string reason)
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var credential = await CredentialAsync(who);
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);
        var before = await Refusals.CountAsync(Mesh, reason);

        var refusal = await Assert.ThrowsAsync<RpcException>(() => proxy.Session.ResolveAsync(
            new ResolveRequest { Service = "web.shop:80" }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync);

        // None at all is good for enrollment, so the call is refused. One that is no good fails the handshake; the client finds the
        // connection gone before its call or in the midst of it.
        Assert.True(
            credential is null ? refusal.StatusCode == StatusCode.Unauthenticated : refusal.StatusCode is StatusCode.Unavailable or StatusCode.Internal,
            refusal.Status.ToString());
        await Refusals.GrewAsync(Mesh, reason, before);
        await bystander.WasServedAsync();
    }

    private async Task<SvidCredential?> CredentialAsync(string who)
    {
        switch (who)
        {
            case "a workload under a foreign anchor":
                return WrongCertificates.Signed(new TestTrustDomain("mesh.example"), Mesh.IdOf("web"));
            case "a workload of a foreign trust domain":
                var foreign = new TestTrustDomain("other.example");
                return WrongCertificates.Signed(foreign, foreign.Web);
            case "a silo's name under a foreign anchor":
                var lookalike = new TestTrustDomain("mesh.example");
                return WrongCertificates.Signed(lookalike, lookalike.Silo);
            case "a foreign leaf before a real chain":
                return await BeforeARealChainAsync();
            case "a ProxyHost's own":
                return await TestProxyHost.EnrollAsync(Mesh, "proxyhost-5");
            default:
                return null;
        }
    }

    // The attacker's own issuer, whose certificate nobody has, in front of a chain that is real.
    private async Task<SvidCredential> BeforeARealChainAsync()
    {
        using var real = (await TestProxy.EnrollAsync(Mesh, "mallory-chain")).Credential;
        return WrongCertificates.Signed(new TestTrustDomain("mesh.example"), Mesh.IdOf("web"), before: real.Svid.Chain);
    }
}
