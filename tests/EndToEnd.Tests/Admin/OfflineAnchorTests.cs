using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary>A mesh whose anchor is in openssl's hands, from its first start to a stolen issuer, with the commands that the documents have.</summary>
public class OfflineAnchorTests
{
    [Theory]
    [InlineData("anchor")]
    [InlineData("common_anchor")]
    public async Task With_the_anchors_key_elsewhere_the_mesh_starts_carries_traffic_and_throws_out_an_issuer(string section)
    {
        Tools.Require("openssl", "openssl");
        using var safe = new TempFolder();
        var anchor = new OpenSslAnchor(safe.Path, "mesh.example");
        await anchor.CreateAsync(section);
        await using var mesh = await MeshUnderTest.StartSiloAloneAsync($"--Anchor:CertificateFile={anchor.Certificate}");
        await RefusesAllElseAsync(mesh);

        var unconstrained = await anchor.SignAsync("wrong", await CsrAsync(mesh, "workload"), section);
        var refused = await MeshAsync(mesh, "issuer", "install", unconstrained);
        Assert.Equal(6, refused.ExitCode);
        Assert.Contains("for the workload key is refused: its path length is not 0", refused.Output, StringComparison.Ordinal);

        var (workload, controlPlane, bundle) = (
            await anchor.SignAsync("workload", await CsrAsync(mesh, "workload"), "issuer"),
            await anchor.SignAsync("control-plane", await CsrAsync(mesh, "control-plane"), "issuer"),
            await anchor.SignAsync("bundle", await CsrAsync(mesh, "bundle"), "bundle", days: 3600));
        var installed = await MeshAsync(mesh, "issuer", "install", workload, controlPlane, bundle, anchor.Certificate);
        Assert.Equal((0, "Everything is certified."), (installed.ExitCode, installed.Output.Trim().Split('\n')[^1]));
        var token = await Eventually.UntilAsync(() => TokenAsync(mesh), made => made is not null, "the silo serves once its issuers are certified");
        await File.WriteAllTextAsync(Path.Combine(mesh.Folder, "proxyhost.token"), token, TestContext.Current.CancellationToken);
        await mesh.StartProxyHostAsync();
        await using var pair = await MeshedPair.StartAsync(mesh, "safe");
        Assert.Equal("hello", await PlainClient.TryEchoAsync(pair.Entrance, "hello"));

        await ThrowOutAsync(mesh, anchor);
        await Eventually.TrueAsync(async () => await PlainClient.TryEchoAsync(pair.Entrance, "again") == "again", "traffic goes on under the issuer that stood by");
        // What opens a silo's folder does not open the safe.
        Assert.DoesNotContain("PRIVATE KEY", string.Concat(Directory.EnumerateFiles(mesh.SiloData, "*.log").Select(File.ReadAllText)), StringComparison.Ordinal);
        Assert.Equal(3, File.ReadLines(Path.Combine(mesh.SiloData, "audit.log")).Count(line => line.Contains("\"attempt\"", StringComparison.Ordinal) && line.Contains("InstallCertificates", StringComparison.Ordinal)));
    }

    private static async Task RefusesAllElseAsync(MeshUnderTest mesh)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => mesh.TokenAsync("web"));
        Assert.Equal(StatusCode.FailedPrecondition, refusal.StatusCode);
        Assert.Contains("mesh issuer csr", refusal.Status.Detail, StringComparison.Ordinal);
        var listed = await MeshAsync(mesh, "issuer", "list");
        Assert.Equal(3, listed.Output.Split("awaiting certificate").Length - 1);
        // Nobody is spoken to in TLS without a certificate.
        Assert.False(await Http.IsReadyAsync(mesh.SiloMetrics.Authority));
        await Assert.ThrowsAsync<HttpRequestException>(() => Http.GetAsync($"https://{mesh.SiloHttps}/v1/version"));
    }

    private static async Task ThrowOutAsync(MeshUnderTest mesh, OpenSslAnchor anchor)
    {
        var stolen = (await mesh.TrustAsync()).Issuers.Single(issuer => issuer.Purpose == "workload").KeyHash;
        // The refusal says what to sign, and has it ready.
        Assert.Contains("mesh issuer csr workload", (await MeshAsync(mesh, "issuer", "rotate", "workload")).Output, StringComparison.Ordinal);
        Assert.Equal(6, (await MeshAsync(mesh, "issuer", "revoke", stolen)).ExitCode);
        var spare = await anchor.SignAsync("spare", await CsrAsync(mesh, "workload"), "issuer");
        Assert.Equal(0, (await MeshAsync(mesh, "issuer", "install", spare)).ExitCode);

        Assert.Equal(0, (await MeshAsync(mesh, "issuer", "revoke", stolen, "--reason", "drill")).ExitCode);

        var trust = await mesh.TrustAsync();
        Assert.Contains(trust.Revocations, revocation => revocation.KeyHash == stolen);
        Assert.Equal("active", trust.Issuers.Single(issuer => issuer.Purpose == "workload").Stage);
    }

    private static async Task<string> CsrAsync(MeshUnderTest mesh, string purpose)
    {
        var (exitCode, output) = await MeshAsync(mesh, "issuer", "csr", purpose);
        Assert.True(exitCode == 0, output);
        return output;
    }

    private static async Task<string?> TokenAsync(MeshUnderTest mesh)
    {
        try
        {
            return await mesh.ProxyHostTokenAsync("proxyhost-0");
        }
        catch (RpcException)
        {
            return null;
        }
    }

    private static async Task<(int ExitCode, string Output)> MeshAsync(MeshUnderTest mesh, params string[] arguments)
    {
        await using var process = TestProcess.StartDotnet("mesh", Programs.Assembly("Cli", "mesh"), [.. arguments, "--data", mesh.SiloData]);
        return (await process.ExitedAsync(TimeSpan.FromSeconds(30)), process.Output);
    }
}
