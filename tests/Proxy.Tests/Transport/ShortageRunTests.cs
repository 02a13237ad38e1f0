using System.Diagnostics;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>
/// Runs <see cref="ShortageTests"/> in a process of its own: a test host that has no descriptor left for a moment may be ended by its own runtime.
/// </summary>
public sealed class ShortageRunTests
{
    [Fact]
    public async Task In_a_process_of_their_own_they_all_pass()
    {
        var tests = typeof(ShortageTests);
        using var run = Process.Start(new ProcessStartInfo(
            "dotnet", [tests.Assembly.Location, "-noColor", "-class", tests.FullName!, "-explicit", "only"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var told = run.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var said = await run.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await told;
        await run.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Contains("Total: 2, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0", said, StringComparison.Ordinal);
        Assert.Equal(0, run.ExitCode);
    }
}
