using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

public sealed class BackupCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-backup-test-");

    private static readonly IMessage[] Parts =
    [
        new CreateBackupResponse
        {
            Summary = new BackupSummary
            {
                TrustDomain = "mesh.example", TakenAt = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)), Rows = 1234,
                Bytes = 5, KeyEncryptionKey = "0011223344556677", AnchorEncryptionKey = "8899aabbccddeeff",
            },
        },
        new CreateBackupResponse { Data = ByteString.CopyFromUtf8("abc") },
        new CreateBackupResponse { Data = ByteString.CopyFromUtf8("de") },
    ];

    private string File => Path.Combine(_folder.FullName, "mesh.backup");

    [Fact]
    public async Task It_writes_a_file_for_its_owner_alone_and_names_the_key_files_that_a_restore_needs()
    {
        await using var plane = await FakeControlPlane.StartInPartsAsync(("CreateBackup", Parts));

        var outcome = await plane.RunAsync("backup", File);

        Assert.Equal("", outcome.Errors);
        Assert.Equal("abcde", await System.IO.File.ReadAllTextAsync(File, TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.Contains("1,234 rows", outcome.OutputLines[0], StringComparison.Ordinal);
        Assert.Contains("0011223344556677", outcome.OutputLines[1], StringComparison.Ordinal);
        Assert.Contains("8899aabbccddeeff", outcome.OutputLines[1], StringComparison.Ordinal);
        Assert.Single(_folder.GetFiles());
    }

    [Fact]
    public async Task To_stdout_goes_the_backup_and_nothing_else()
    {
        await using var plane = await FakeControlPlane.StartInPartsAsync(("CreateBackup", Parts));

        var outcome = await plane.RunAsync("backup", "-");

        Assert.Equal((ExitCodes.Ok, "abcde", ""), (outcome.ExitCode, outcome.Output, outcome.Errors));
    }

    [Fact]
    public async Task A_backup_that_ends_early_leaves_no_file()
    {
        await using var plane = await FakeControlPlane.StartInPartsAsync(("CreateBackup", Parts[..2]));

        var outcome = await plane.RunAsync("backup", File);

        Assert.Equal(ExitCodes.CheckFailed, outcome.ExitCode);
        Assert.Contains("before it was whole", outcome.Errors, StringComparison.Ordinal);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task A_file_that_is_there_is_replaced_only_where_that_is_said()
    {
        await using var plane = await FakeControlPlane.StartInPartsAsync(("CreateBackup", Parts));
        await System.IO.File.WriteAllTextAsync(File, "precious", TestContext.Current.CancellationToken);

        var refused = await plane.RunAsync("backup", File);

        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
        Assert.Equal("precious", await System.IO.File.ReadAllTextAsync(File, TestContext.Current.CancellationToken));
        Assert.Equal(ExitCodes.Ok, (await plane.RunAsync("backup", File, "--force")).ExitCode);
        Assert.Equal("abcde", await System.IO.File.ReadAllTextAsync(File, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("restore", "mesh.backup")]
    [InlineData("keystore", "rekey")]
    public async Task Without_the_silos_program_it_says_how_to_name_it(params string[] arguments)
    {
        var outcome = await MeshProgram.RunAsync([.. arguments, "--silo", "/nowhere/Silo"]);

        Assert.Equal(ExitCodes.Environment, outcome.ExitCode);
        Assert.Contains("/nowhere/Silo", outcome.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("--silo", outcome.ErrorLines[1], StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
