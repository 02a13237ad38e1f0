using System.Security.Cryptography;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Enrollment;

public class FirstContactTests
{
    private static readonly TrustDomainName TrustDomain = TrustDomainName.Parse("mesh.example");

    [Fact]
    public async Task A_false_silo_of_the_right_name_receives_no_token()
    {
        using var folder = new TempFolder();
        await using var silo = await StartFalseServerAsync(domain => domain.Silo);
        File.WriteAllText(folder.File("token"), TokenFor(SpiffeId.ForProxyHost(TrustDomain, "proxyhost-0"), silo.Address));
        await using var proxyHost = TestProcess.StartDotnet("proxyhost", Programs.Assembly("ProxyHost"),
        [
            $"--ProxyHost:TokenFile={folder.File("token")}", $"--ProxyHost:Data={folder.File("data")}",
            $"--ProxyHost:Listen={FreePorts.NextAddress()}", $"--ProxyHost:AdminListen={FreePorts.NextAddress()}",
        ]);

        await RefusesAsync(proxyHost, silo);
    }

    [Fact]
    public async Task A_false_proxyhost_of_the_right_name_receives_no_token()
    {
        using var folder = new TempFolder();
        await using var server = await StartFalseServerAsync(domain => SpiffeId.ForProxyHost(domain.Name, "proxyhost-0"));
        File.WriteAllText(folder.File("token"), TokenFor(SpiffeId.ForWorkload(TrustDomain, "shop", "web"), server.Address));
        await using var proxy = ProxyBinary.Start("proxy",
        [
            $"--Proxy:TokenFile={folder.File("token")}", $"--Proxy:Data={folder.File("data")}", $"--Proxy:Admin:Listen={FreePorts.NextAddress()}",
        ]);

        await RefusesAsync(proxy, server);
    }

    [Fact]
    public async Task A_false_proxyhost_of_the_right_name_receives_no_JWT()
    {
        using var folder = new TempFolder();
        await using var server = await StartFalseServerAsync(domain => SpiffeId.ForProxyHost(domain.Name, "proxyhost-0"));
        File.WriteAllText(folder.File("jwt"), "a secret");
        await using var proxy = ProxyBinary.Start("proxy",
        [
            $"--Proxy:JwtFile={folder.File("jwt")}", $"--Proxy:Identity={SpiffeId.ForWorkload(TrustDomain, "shop", "web")}",
            $"--Proxy:ProxyHosts:0=https://{server.Address}", $"--Proxy:AnchorHashes:0={new TestTrustDomain(TrustDomain.Name).Anchor.KeyHash}",
            $"--Proxy:Data={folder.File("data")}", $"--Proxy:Admin:Listen={FreePorts.NextAddress()}",
        ]);

        await RefusesAsync(proxy, server);
    }

    // It is asked for its bundle, which is no secret, more than once; and told why it gets nothing else.
    private static async Task RefusesAsync(TestProcess process, FalseServer server)
    {
        await process.SaysAsync("bundle has one of the 1 expected hashes", times: 2);
        Assert.NotEmpty(server.Calls);
        Assert.All(server.Calls, call => Assert.Equal("FetchBundle", call));
    }

    private static async Task<FalseServer> StartFalseServerAsync(Func<TestTrustDomain, SpiffeId> who)
    {
        var domain = new TestTrustDomain(TrustDomain.Name);
        var now = TimeProvider.System.GetUtcNow();
        var leaf = domain.Leaf(who(domain), spec => (spec.NotBefore, spec.NotAfter) = (now.AddHours(-1), now.AddHours(1)), domain.ControlPlaneIssuer);
        var bundle = new TestBundles(domain).Sign(domain.Bundle with { SignedAt = now });
        return await FalseServer.StartAsync(
            SvidCredential.Create(TestTrustDomain.Der(leaf, domain.ControlPlaneIssuer), leaf.Key), bundle.Jws, FreePorts.NextAddress());
    }

    // As the true silo would have made it: with the hash of the true anchor.
    private static string TokenFor(SpiffeId subject, string address)
    {
        using var tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var trueAnchor = new TestTrustDomain(TrustDomain.Name).Anchor.KeyHash;
        return JoinToken.Create(
            subject, TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1), [trueAnchor], [new Uri($"https://{address}")]).Sign(tokenKey, "key-1");
    }
}
