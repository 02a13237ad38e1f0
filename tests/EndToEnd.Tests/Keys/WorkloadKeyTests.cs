using System.Security.Cryptography;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Keys;

/// <summary>A workload's private key is born and dies in its proxy's memory.</summary>
public class WorkloadKeyTests(RunningMesh running)
{
    // How every unencrypted private key on P-256 begins: PKCS #8 and SEC 1 (RFC 5958, RFC 5915).
    private static readonly byte[][] KeyBeginnings =
    [
        Convert.FromHexString("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"),
        Convert.FromHexString("30770201010420"),
    ];

    [Fact]
    public async Task A_key_that_a_test_knows_is_in_no_file_log_or_answer_of_silo_and_proxyhost()
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var scan = new SecretScan(key);
        using var copy = ECDsa.Create(key.ExportParameters(true));
        var (credential, answer) = await TestProxy.EnrollAsync(mesh, "known", copy);
        using var owned = credential;

        var said = $"{answer} {string.Join(' ', await mesh.IdentitiesAsync("known"))} {await mesh.TrustAsync()} {await Http.GetAsync(mesh.SiloMetrics.ToString())}";
        await mesh.ProxyHost.StopAsync();
        await mesh.Silo.StopAsync();

        Assert.Contains("known", said, StringComparison.Ordinal);
        Assert.Empty(scan.FindIn(said));
        Assert.Empty(scan.FindIn(mesh.Silo.Output));
        Assert.Empty(scan.FindIn(mesh.ProxyHost.Output));
        Assert.All(FilesIn(mesh.Folder), file => Assert.Empty(scan.FindIn(File.ReadAllBytes(file))));
    }

    [Fact]
    public async Task A_proxy_leaves_no_private_key_in_any_file_or_in_its_log()
    {
        await using var pair = await MeshedPair.StartAsync(running.Mesh, "files");

        var files = FilesIn(pair.Client.Data).ToList();

        // The bundle and the token for the next start, and what a crash may have left of them.
        Assert.Equal(["bundle.jws", "reenrollment-token"], files.Select(Path.GetFileName).Order());
        Assert.All(files, file => Assert.All(Forms(), form => Assert.Equal(-1, File.ReadAllBytes(file).AsSpan().IndexOf(form))));
        Assert.All(Forms(), form => Assert.Equal(-1, System.Text.Encoding.UTF8.GetBytes(pair.Client.Process.Output).AsSpan().IndexOf(form)));
        using var control = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Contains(Forms(), form => control.ExportPkcs8PrivateKey().AsSpan().IndexOf(form) >= 0);
    }

    private static IEnumerable<byte[]> Forms() => KeyBeginnings.SelectMany(beginning => new[]
    {
        beginning,
        System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(beginning)),
        System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(beginning[..(beginning.Length / 3 * 3)])),
        "PRIVATE KEY"u8.ToArray(),
    });

    // The silo's key-encryption keys are no workload's.
    private static IEnumerable<string> FilesIn(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(file => !file.EndsWith(".sock", StringComparison.Ordinal));
}
