using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary>What a silo says when it can't start.</summary>
public class SiloStartTests(RunningMesh running)
{
    [Fact]
    public async Task A_data_folder_has_one_silo_at_a_time()
    {
        var (exitCode, output) = await RunAsync($"--Silo:Data={running.Mesh.SiloData}", $"--Silo:SiloPort={FreePorts.Next()}");

        Assert.Equal(2, exitCode);
        Assert.Contains("is in use by another silo", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_mistake_in_the_options_is_named_at_once()
    {
        using var folder = new TempFolder();

        var (exitCode, output) = await RunAsync(
            $"--Silo:Data={folder.File("data")}", "--Silo:TrustDomain=Mesh.Example", "--Silo:Name=Silo 0", "--Silo:HttpsListen=here", "--Leaf:Lifetime=00:00:01");

        Assert.Equal(2, exitCode);
        foreach (var mistake in new[] { "Silo:TrustDomain", "Silo:Name", "Silo:HttpsListen", "Leaf" })
        {
            Assert.Contains(mistake, output, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(folder.File("data")));
    }

    [Fact]
    public async Task A_misspelt_option_is_not_taken_for_silence()
    {
        using var folder = new TempFolder();

        var (exitCode, output) = await RunAsync($"--Silo:Data={folder.File("data")}", "--Leaf:Liftime=10s");

        Assert.Equal(2, exitCode);
        Assert.Contains("Leaf:Liftime is not an option. Leaf has: ControlPlaneLifetime, Lifetime, RecoveryWindow.", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--Anchor:KeyFile=anchor.key", "Anchor:KeyFile is the key of a certificate: name that too")]
    [InlineData("--Anchor:CertificateFile=/nowhere/anchor.pem", "Anchor:CertificateFile /nowhere/anchor.pem can't be used.")]
    public async Task An_anchor_that_cannot_be_used_is_named(string option, string says)
    {
        using var folder = new TempFolder();

        var (exitCode, output) = await RunAsync($"--Silo:Data={folder.File("data")}", option);

        Assert.Equal(2, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_issuer_of_JWTs_that_cannot_be_used_is_named_key_by_key()
    {
        using var folder = new TempFolder();

        var (exitCode, output) = await RunAsync(
            $"--Silo:Data={folder.File("data")}", "--Attestation:Oidc:0:Issuer=https://issuer.example", $"--Attestation:Oidc:0:JwksFile={folder.File("jwks.json")}",
            "--Attestation:Oidc:0:SubjectTemplate={namespace}-{service_account}", "--Attestation:Oidc:0:Audiences=mesh");

        Assert.Equal(2, exitCode);
        Assert.Contains("Attestation:Oidc:0:Audience is missing", output, StringComparison.Ordinal);
        Assert.Contains($"Attestation:Oidc:0:JwksFile '{folder.File("jwks.json")}' cannot be used", output, StringComparison.Ordinal);
        Assert.Contains("Attestation:Oidc:0:SubjectTemplate '{namespace}-{service_account}'", output, StringComparison.Ordinal);
        Assert.Contains(
            "Attestation:Oidc:0:Audiences is not an option. Attestation:Oidc:0 has: Audience, Issuer, JwksFile, MaxLifetime, SubjectTemplate.",
            output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("data")));
    }

    [Fact]
    public async Task A_lost_key_encryption_key_is_named_and_not_replaced()
    {
        await using var mesh = await MeshUnderTest.StartSiloAloneAsync();
        await mesh.Silo.StopAsync();
        var key = Path.Combine(mesh.SiloData, "key-encryption.key");
        File.Delete(key);

        var (exitCode, output) = await RunAsync($"--Silo:Data={mesh.SiloData}");

        Assert.Equal(2, exitCode);
        Assert.Contains("key-encryption.key is missing, and keys are sealed under it", output, StringComparison.Ordinal);
        Assert.False(File.Exists(key));
    }

    [Fact]
    public async Task A_data_folder_that_others_may_enter_is_refused_with_the_command_that_mends_it()
    {
        using var folder = new TempFolder();
        var data = Directory.CreateDirectory(folder.File("data"), UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var (exitCode, output) = await RunAsync($"--Silo:Data={data.FullName}");

        Assert.Equal(2, exitCode);
        Assert.Contains($"chmod 700 {data.FullName}", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var folder = new TempFolder();

        var (exitCode, output) = await RunAsync(
            $"--Silo:Data={folder.File("data")}", $"--Silo:HttpsListen={running.Mesh.SiloHttps}", $"--Silo:AdminListen={FreePorts.NextAddress()}",
            $"--Silo:SiloPort={FreePorts.Next()}", $"--Silo:GatewayPort={FreePorts.Next()}");

        Assert.Equal(1, exitCode);
        Assert.Contains(running.Mesh.SiloHttps, output, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        await using var silo = TestProcess.StartDotnet("silo", Programs.Assembly("Silo"), arguments);
        return (await silo.ExitedAsync(TimeSpan.FromSeconds(30)), silo.Output);
    }
}
