using System.Diagnostics;

namespace Mesh.Tests.PostgreSql;

/// <summary>Starts programs that refuse to run as root, as another user where these tests run as root.</summary>
internal static class RunAs
{
    private static readonly string[] Candidates = ["postgres", "nobody"];

    /// <summary>The user to become; null where these tests are not root.</summary>
    public static string? User { get; } = Environment.IsPrivilegedProcess
        ? Candidates.First(name => File.ReadLines("/etc/passwd").Any(line => line.StartsWith(name + ':', StringComparison.Ordinal)))
        : null;

    public static ProcessStartInfo StartInfo(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/tmp" };
        IEnumerable<string> line = User is null
            ? [program, .. arguments]
            : ["setpriv", $"--reuid={User}", $"--regid={GroupOf(User)}", "--clear-groups", program, .. arguments];
        start.FileName = line.First();
        foreach (var argument in line.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    public static async Task RunAsync(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(StartInfo(program, arguments))!;
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} exited with {process.ExitCode}: {await error}");
    }

    /// <summary>A new folder that the user may write to, and nobody else but root.</summary>
    public static async Task<string> CreateFolderAsync(string prefix)
    {
        var folder = Directory.CreateTempSubdirectory(prefix).FullName;
        if (User is not null)
        {
            using var chown = Process.Start("chown", [User, folder]);
            await chown.WaitForExitAsync();
        }

        return folder;
    }

    private static string GroupOf(string user) =>
        File.ReadLines("/etc/passwd").First(line => line.StartsWith(user + ':', StringComparison.Ordinal)).Split(':')[3];
}
