using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary>A standby anchor whose key is kept elsewhere: installed, brought on the day it is needed, and never over the network.</summary>
public class StandbyKeyTests
{
    [Fact]
    public async Task Its_key_is_brought_over_the_socket_alone_and_it_takes_over_from_a_stolen_anchor()
    {
        Tools.Require("openssl", "openssl");
        using var safe = new TempFolder();
        var standby = new OpenSslAnchor(safe.Path, "mesh.example");
        await standby.CreateAsync();
        await standby.SealKeyAsync("correct horse");
        await File.WriteAllTextAsync(safe.File("passphrase"), "correct horse\n", TestContext.Current.CancellationToken);
        await using var mesh = await MeshUnderTest.StartAsync();
        var stolen = (await mesh.TrustAsync()).Anchors.Single(anchor => anchor.Stage == "active").KeyHash;

        Assert.Equal(0, (await MeshAsync(mesh, "trust", "standby", "install", standby.Certificate)).ExitCode);
        var installed = (await mesh.TrustAsync()).Anchors.Single(anchor => anchor.Stage == "standby");
        Assert.True(installed.IsOffline);
        await using var pair = await MeshedPair.StartAsync(mesh, "standby");
        var refused = await MeshAsync(mesh, "trust", "revoke", stolen);
        Assert.Equal(6, refused.ExitCode);
        Assert.Contains("mesh trust standby import", refused.Output, StringComparison.Ordinal);

        await IsNotTakenOverTlsAsync(mesh);
        await IsNotTakenForAnotherAsync(mesh, safe);
        Assert.Equal(0, (await MeshAsync(mesh, "trust", "standby", "import", standby.File("sealed.key"), "--passphrase-file", safe.File("passphrase"))).ExitCode);
        Assert.Equal(0, (await MeshAsync(mesh, "trust", "revoke", stolen, "--reason", "drill")).ExitCode);

        Assert.Equal(installed.KeyHash, (await mesh.TrustAsync()).Anchors.Single(anchor => anchor.Stage == "active").KeyHash);
        await Eventually.TrueAsync(async () => await PlainClient.TryEchoAsync(pair.Entrance, "hello") == "hello", "traffic goes on under the standby");
        Assert.DoesNotContain("PRIVATE KEY", await File.ReadAllTextAsync(Path.Combine(mesh.SiloData, "audit.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", mesh.Silo.Output, StringComparison.Ordinal);
    }

    private static async Task IsNotTakenOverTlsAsync(MeshUnderTest mesh)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
#pragma warning disable CA5359 // Whom it is refused by is not in question here.
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true }, UseProxy = false });
#pragma warning restore CA5359
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Combine(mesh.SiloData, "admin-token")).Trim());
        using var answer = await client.PostAsJsonAsync(
            $"https://{mesh.SiloHttps}/v1/anchors:import-key", new { privateKey = key.ExportPkcs8PrivateKeyPem() }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    private static async Task IsNotTakenForAnotherAsync(MeshUnderTest mesh, TempFolder safe)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        await File.WriteAllTextAsync(safe.File("another.key"), key.ExportPkcs8PrivateKeyPem());

        var (exitCode, output) = await MeshAsync(mesh, "trust", "standby", "import", safe.File("another.key"));

        Assert.Equal(6, exitCode);
        Assert.Contains("No anchor of this trust domain has that key", output, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> MeshAsync(MeshUnderTest mesh, params string[] arguments)
    {
        await using var process = TestProcess.StartDotnet("mesh", Programs.Assembly("Cli", "mesh"), [.. arguments, "--data", mesh.SiloData]);
        return (await process.ExitedAsync(TimeSpan.FromSeconds(30)), process.Output);
    }
}
