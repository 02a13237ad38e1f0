using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>The command line, as an operator runs it.</summary>
internal static class MeshCli
{
    /// <summary>Its exit code, and what it said on both outputs.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        await using var mesh = TestProcess.StartDotnet("mesh", Programs.Assembly("Cli", "mesh"), arguments);
        return (await mesh.ExitedAsync(TimeSpan.FromSeconds(30)), mesh.Output);
    }
}
