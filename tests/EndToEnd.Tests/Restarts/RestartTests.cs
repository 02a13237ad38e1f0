using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Restarts;

public class RestartTests(RunningMesh running)
{
    [Fact]
    public async Task Traffic_goes_on_while_silo_and_proxyhost_are_killed_and_what_they_knew_comes_back()
    {
        await using var mesh = await MeshUnderTest.StartAsync("--Leaf:Lifetime=00:00:20");
        await using var pair = await MeshedPair.StartAsync(mesh, "kill");
        var revoked = (await mesh.TrustAsync()).Issuers.First(issuer => issuer.Purpose == "workload").KeyHash;
        await mesh.RevokeIssuerAsync(revoked);
        await RenewedAsync(pair.Client);
        await RenewedAsync(pair.Server);
        var before = await mesh.TrustAsync();
        await using var load = new Load(pair.Entrance);
        await load.GrowsAsync();

        await mesh.Silo.KillAsync();
        await load.GrowsAsync();
        await mesh.ProxyHost.KillAsync();
        await load.GrowsAsync();
        await mesh.StartSiloAsync();
        await mesh.StartProxyHostAsync();

        Assert.Equal(before, await mesh.TrustAsync());
        Assert.Contains(before.Revocations, revocation => revocation.KeyHash == revoked);
        // Certificates live 20 s here: the next ones can only have come through the new processes.
        await RenewedAsync(pair.Client);
        await RenewedAsync(pair.Server);
        await load.GrowsAsync();
        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task A_proxy_that_is_killed_comes_back_without_an_operator()
    {
        await using var pair = await MeshedPair.StartAsync(running.Mesh, "again");
        await pair.Server.Process.KillAsync();

        running.Mesh.Restarted(pair.Server.Start());
        await Http.UntilReadyAsync(pair.Server.Admin);

        Assert.Equal("hello", await PlainClient.TryEchoAsync(pair.Entrance, "hello"));
    }

    private static async Task RenewedAsync(ProxyUnderTest proxy)
    {
        var before = await RefreshesAsync(proxy);
        await Eventually.UntilAsync(() => RefreshesAsync(proxy), now => now > before, $"{proxy.Id} has a new certificate");
    }

    private static async Task<long> RefreshesAsync(ProxyUnderTest proxy) => long.Parse(
        (await proxy.MetricsAsync()).Split('\n').Single(line => line.StartsWith("identity_cert_refresh_count ", StringComparison.Ordinal)).Split(' ')[1],
        System.Globalization.CultureInfo.InvariantCulture);
}
