using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary><c>mesh --server</c>: the token goes to a silo of the bundle and to nobody else.</summary>
public class RemoteCliTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    [Fact]
    public async Task With_token_and_bundle_it_speaks_to_a_silo_elsewhere()
    {
        using var folder = new TempFolder();
        var (_, bundle) = await MeshCli.RunAsync("trust", "bundle", "--data", Mesh.SiloData);
        File.WriteAllText(folder.File("bundle.json"), bundle);

        var (exitCode, output) = await AskAsync(folder.File("bundle.json"));

        Assert.Equal(0, exitCode);
        Assert.Contains("control-plane", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silo_that_the_bundle_does_not_know_is_not_spoken_to()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("bundle.json"), TrustBundleJson.Write(new TestTrustDomain("mesh.example").Bundle));

        var (exitCode, output) = await AskAsync(folder.File("bundle.json"));

        Assert.Equal(5, exitCode);
        Assert.Contains("error: No control plane answers", output, StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Output)> AskAsync(string bundle) => MeshCli.RunAsync(
        "issuer", "list", "--server", $"https://{Mesh.SiloHttps}", "--token-file", Path.Combine(Mesh.SiloData, "admin-token"), "--bundle", bundle);
}
