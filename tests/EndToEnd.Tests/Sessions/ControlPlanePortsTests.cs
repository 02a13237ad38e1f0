using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Sessions;

/// <summary>Orleans trusts whoever reaches its ports, so only control-plane identities do.</summary>
public class ControlPlanePortsTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    [Theory]
    [InlineData("silo", "a workload's certificate")]
    [InlineData("silo", "no certificate")]
    [InlineData("silo", "a silo's name under a foreign anchor")]
    [InlineData("gateway", "a workload's certificate")]
    [InlineData("gateway", "no certificate")]
    [InlineData("gateway", "a silo's name under a foreign anchor")]
    public async Task An_Orleans_port_refuses(string port, string who)
    {
        using var credential = who switch
        {
            "a workload's certificate" => (await TestProxy.EnrollAsync(Mesh, "orleans-port")).Credential,
            "a silo's name under a foreign anchor" => Foreign(),
            _ => null,
        };
        var address = $"127.0.0.1:{(port == "silo" ? Mesh.OrleansSiloPort : Mesh.GatewayPort)}";
        var before = await RefusalsAsync(port);

        Assert.NotNull(await RawTls.TryAsync(address, credential, $"mesh-orleans/{port}"));

        await Eventually.UntilAsync(() => RefusalsAsync(port), now => now > before, $"the refusal at the {port} port is counted");
        await Mesh.Silo.SaysAsync($"mesh-orleans/{port}");
    }

    [Fact]
    public async Task The_gateway_lets_a_proxyhost_in_and_the_silo_port_does_not()
    {
        using var proxyHost = await TestProxyHost.EnrollAsync(Mesh, "proxyhost-7");

        Assert.Null(await RawTls.TryAsync($"127.0.0.1:{Mesh.GatewayPort}", proxyHost, "mesh-orleans/gateway"));
        Assert.NotNull(await RawTls.TryAsync($"127.0.0.1:{Mesh.OrleansSiloPort}", proxyHost, "mesh-orleans/silo"));
    }

    private async Task<double> RefusalsAsync(string port) =>
        (await Scrape.ReadAsync(Mesh.SiloMetrics)).Value("mesh_transport_refusals_total", "port", $"mesh-orleans/{port}");

    private static SvidCredential Foreign()
    {
        var domain = new TestTrustDomain("mesh.example");
        var now = TimeProvider.System.GetUtcNow();
        var leaf = domain.Leaf(domain.Silo, spec => (spec.NotBefore, spec.NotAfter) = (now.AddHours(-1), now.AddHours(1)));
        return SvidCredential.Create(TestTrustDomain.Der(leaf, domain.ControlPlaneIssuer), leaf.Key);
    }
}
