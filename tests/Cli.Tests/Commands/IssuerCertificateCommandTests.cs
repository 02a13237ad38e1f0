using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

/// <summary><c>mesh issuer csr</c> and <c>mesh issuer install</c>.</summary>
public sealed class IssuerCertificateCommandTests : IDisposable
{
    private const string Anchor = "1f3a9c0d11111111111111111111111111111111111111111111111111111111";
    private const string Next = "2f3a9c0d11111111111111111111111111111111111111111111111111111111";

    private static readonly Timestamp Moment = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    private static readonly TrustDomain Trust = new()
    {
        Name = "mesh.example",
        Anchors = { new Authority { KeyHash = Anchor }, new Authority { KeyHash = Next } },
        Requests = { Request("workload", Anchor, "AAAA"), Request("bundle", Anchor, "BBBB"), Request("workload", Next, "CCCC") },
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-cli-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("csr", "AAAA BBBB CCCC")]
    [InlineData("csr workload", "AAAA CCCC")]
    [InlineData("csr workload --anchor 2f3a9c0d", "CCCC")]
    public async Task What_awaits_a_signature_is_printed_by_purpose_and_anchor(string arguments, string printed)
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust));

        var outcome = await plane.RunAsync(["issuer", .. arguments.Split(' ')]);

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Equal(printed.Split(' '), outcome.OutputLines.Where(line => line.Length == 4));
    }

    [Fact]
    public async Task Where_nothing_awaits_one_a_script_hears_of_it()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust));

        var outcome = await plane.RunAsync("issuer", "csr", "control-plane");

        Assert.Equal((ExitCodes.CheckFailed, ""), (outcome.ExitCode, outcome.Output));
        Assert.Equal("error: No such key awaits a certificate.", outcome.ErrorLines[0]);
    }

    [Fact]
    public async Task Certificates_of_several_files_are_handed_in_together()
    {
        await using var plane = await FakeControlPlane.StartAsync(("InstallCertificates", Trust));
        var (one, other) = (Write("one.pem", Certificate()), Write("other.pem", "some text\n" + Certificate()));

        var outcome = await plane.RunAsync("issuer", "install", one, other);

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Equal(2, plane.Asked<InstallCertificatesRequest>("InstallCertificates").Pem.Split("BEGIN CERTIFICATE").Length - 1);
        Assert.Contains("3 keys still await a certificate", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("overdue, since 2026-05-01 12:00:00Z", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_key_among_them_is_not_sent()
    {
        await using var plane = await FakeControlPlane.StartAsync(("InstallCertificates", Trust));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var file = Write("anchor.pem", Certificate() + "\n" + key.ExportPkcs8PrivateKeyPem());

        var outcome = await plane.RunAsync("issuer", "install", file);

        Assert.Equal(ExitCodes.Usage, outcome.ExitCode);
        Assert.Contains("There is a private key among the certificates.", outcome.Errors, StringComparison.Ordinal);
        Assert.Throws<KeyNotFoundException>(() => plane.Asked<InstallCertificatesRequest>("InstallCertificates"));
    }

    [Fact]
    public async Task What_holds_no_certificate_is_named()
    {
        var outcome = await MeshProgram.RunAsync("issuer", "install", Write("noise.pem", "noise"));

        Assert.Equal(ExitCodes.Usage, outcome.ExitCode);
        Assert.Contains("noise.pem: There is no certificate in PEM there.", outcome.Errors, StringComparison.Ordinal);
    }

    private static AuthorityRequest Request(string purpose, string anchor, string csr) =>
        new() { Purpose = purpose, KeyHash = Anchor, AnchorKeyHash = anchor, Csr = csr, Since = Moment, IsOverdue = true };

    private static string Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=issuer", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(1));
        return certificate.ExportCertificatePem();
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
