using System.Diagnostics;

namespace Mesh.Cli.Tests.Support;

/// <summary>The program itself, as a script runs it.</summary>
internal static class MeshProgram
{
    /// <summary>As it was built, with nothing of the tests beside it.</summary>
    public static string Assembly { get; } = Path.GetFullPath(
        Path.Combine(AppContext.BaseDirectory, "..", "..", "Cli", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "mesh.dll"));

    public static Task<MeshOutcome> RunAsync(params string[] arguments) => RunAsync(data: null, arguments);

    /// <param name="data">The data folder that MESH_DATA names; null: one that isn't there.</param>
    /// <param name="arguments">The command line.</param>
    public static async Task<MeshOutcome> RunAsync(string? data, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Assembly, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["MESH_DATA"] = data ?? Path.Combine(Path.GetTempPath(), "mesh-nothing-here");
        using var mesh = Process.Start(start)!;
        var (output, errors) = (mesh.StandardOutput.ReadToEndAsync(), mesh.StandardError.ReadToEndAsync());
        await mesh.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new MeshOutcome(mesh.ExitCode, await output, await errors);
    }
}

/// <summary>What a run came to.</summary>
internal sealed record MeshOutcome(int ExitCode, string Output, string Errors)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
