using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Restarts;

/// <summary>Disaster: the silo's data is gone, and the last backup does not know of a theft.</summary>
public class RestoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restored_mesh_serves_again_and_is_told_of_the_revocations_and_bans_that_its_backup_lacks()
    {
        await using var mesh = await MeshUnderTest.StartAsync("--Leaf:Lifetime=00:00:20");
        await using var pair = await MeshedPair.StartAsync(mesh, "restore");
        var backup = Path.Combine(mesh.Folder, "mesh.backup");
        await SucceedsAsync("backup", backup, "--data", mesh.SiloData);
        var stolen = (await mesh.TrustAsync()).Issuers.Select(issuer => issuer.KeyHash).ToList();
        foreach (var issuer in stolen)
        {
            await mesh.RevokeIssuerAsync(issuer);
        }

        var banned = mesh.IdOf("restore-thief");
        await mesh.Admin.BanWorkloadAsync(
            new BanWorkloadRequest { Namespace = MeshUnderTest.Namespace, ServiceAccount = banned.ServiceAccount! }, cancellationToken: Cancel);
        await pair.Client.Process.SaysAsync("Certified as", times: 2);
        await pair.Server.Process.SaysAsync("Certified as", times: 2);
        await using var load = new Load(pair.Entrance, TimeSpan.FromMilliseconds(50));
        await load.GrowsAsync();
        var failures = load.Failures.Count;

        await mesh.Silo.KillAsync();
        LoseAllButTheKeyFiles(mesh.SiloData);
        var said = await SucceedsAsync("restore", backup, "--data", mesh.SiloData, "--silo", Programs.Assembly("Silo"));
        Assert.Contains("is restored", said, StringComparison.Ordinal);
        await mesh.StartSiloAsync();

        await mesh.ProxyHost.SaysAsync("had forgotten trust bundle");
        var trust = await Eventually.UntilAsync(mesh.TrustAsync, trust => trust.Revocations.Count == 2, "the revocations are known again");
        Assert.Equal(stolen.Order(), trust.Revocations.Select(revocation => revocation.KeyHash).Order());
        Assert.DoesNotContain(trust.Issuers, issuer => stolen.Contains(issuer.KeyHash));
        var workload = await mesh.Admin.GetWorkloadAsync(
            new GetWorkloadRequest { Namespace = MeshUnderTest.Namespace, ServiceAccount = banned.ServiceAccount! }, cancellationToken: Cancel);
        Assert.NotNull(workload.Ban);
        // What was certified after the backup is not on record: both enroll anew, and nobody notices.
        await pair.Client.Process.SaysAsync("Certified as", times: 3);
        await pair.Server.Process.SaysAsync("Certified as", times: 3);
        await mesh.SetPolicyAsync("restore-another", "deny");
        await load.GrowsAsync();
        Assert.Equal(failures, load.Failures.Count);
    }

    [Fact]
    public async Task A_rekeyed_store_serves_on()
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        var before = await mesh.TrustAsync();
        var (exitCode, said) = await MeshCli.RunAsync("keystore", "rekey", "--data", mesh.SiloData, "--silo", Programs.Assembly("Silo"));
        Assert.Equal(3, exitCode);
        Assert.Contains("in use by another silo", said, StringComparison.Ordinal);

        await mesh.Silo.KillAsync();
        await SucceedsAsync("keystore", "rekey", "--data", mesh.SiloData, "--silo", Programs.Assembly("Silo"));
        await mesh.StartSiloAsync();

        Assert.Equal(before, await mesh.TrustAsync());
        await mesh.RevokeIssuerAsync(before.Issuers.First(issuer => issuer.Purpose == "control-plane").KeyHash);
        await mesh.ProxyHost.SaysAsync("Certificate renewed");
    }

    private static async Task<string> SucceedsAsync(params string[] arguments)
    {
        var (exitCode, output) = await MeshCli.RunAsync(arguments);
        Assert.True(exitCode == 0, output);
        return output;
    }

    private static void LoseAllButTheKeyFiles(string data)
    {
        foreach (var file in Directory.GetFiles(data).Where(file => !file.EndsWith("-encryption.key", StringComparison.Ordinal)))
        {
            File.Delete(file);
        }
    }
}
