using System.Diagnostics;
using System.Text.Json;
using Mesh.Silo.Audit;

namespace Mesh.Silo.Tests.Audit;

public sealed class AuditLogTests : IDisposable
{
    private const int Large = 1024 * 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-audit-").FullName;

    private string LogPath => System.IO.Path.Combine(_folder, "audit.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Lines_are_appended_across_restarts_and_the_file_is_the_owners_alone()
    {
        Write(LogPath, 1);
        Write(LogPath, 2);

        Assert.Equal([1, 2], Numbers(LogPath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LogPath));
    }

    [Fact]
    public void A_line_that_was_left_unfinished_does_not_spoil_the_next()
    {
        Write(LogPath, 1);
        File.AppendAllText(LogPath, "{\"at\":\"2026");

        Write(LogPath, 2);

        Assert.Equal(["{\"n\":1,\"pad\":\"\"}", "{\"at\":\"2026", "{\"n\":2,\"pad\":\"\"}"], File.ReadAllLines(LogPath));
    }

    [Fact]
    public void A_full_file_is_kept_under_a_number_and_only_so_many_are()
    {
        using var log = AuditLog.Open(LogPath, maxBytes: 100, maxFiles: 3);
        for (var n = 1; n <= 5; n++)
        {
            Append(log, n, 80);
        }

        Assert.Equal([5], Numbers(LogPath));
        Assert.Equal([4], Numbers(LogPath + ".1"));
        Assert.Equal([3], Numbers(LogPath + ".2"));
        Assert.Equal(3, Directory.GetFiles(_folder).Length);
        Assert.All(Directory.GetFiles(_folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void With_one_file_a_full_one_makes_room()
    {
        using var log = AuditLog.Open(LogPath, maxBytes: 100, maxFiles: 1);
        Append(log, 1, 80);
        Append(log, 2, 80);

        Assert.Equal([2], Numbers(LogPath));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_file_that_others_may_read_is_refused()
    {
        Write(LogPath, 1);
        File.SetUnixFileMode(LogPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        Assert.Contains("chmod 600", Assert.Throws<InvalidDataException>(() => AuditLog.Open(LogPath, Large, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_full_disk_it_says_so_and_leaves_no_half_line()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may mount a small tmpfs to fill. Run these tests as root to include this one.");
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _folder), "Mounting a tmpfs is not allowed here.");
        try
        {
            using var log = AuditLog.Open(LogPath, Large, 2);
            var written = 0;
            var refusal = Record.Exception(() =>
            {
                while (written < 1_000)
                {
                    Append(log, written, 999);
                    written++;
                }
            });

            Assert.Contains("cannot be written", Assert.IsType<IOException>(refusal).Message, StringComparison.Ordinal);
            Assert.Equal(Enumerable.Range(0, written), Numbers(LogPath));
        }
        finally
        {
            Run("umount", _folder);
        }
    }

    private static void Write(string path, int n)
    {
        using var log = AuditLog.Open(path, Large, 2);
        Append(log, n, 0);
    }

    private static void Append(AuditLog log, int n, int padding) => log.Append(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("n", n);
        json.WriteString("pad", new string('x', padding));
        json.WriteEndObject();
    });

    private static List<int> Numbers(string path) => File.ReadAllLines(path).Select(line =>
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("n").GetInt32();
    }).ToList();

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
