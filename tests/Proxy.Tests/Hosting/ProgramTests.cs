using System.Diagnostics;

namespace Mesh.Proxy.Tests.Hosting;

/// <summary>The program itself, as whoever starts it sees it.</summary>
public sealed class ProgramTests
{
    // As it was built, with nothing of the tests beside it.
    private static readonly string Assembly = Path.GetFullPath(
        Path.Combine(AppContext.BaseDirectory, "..", "..", "Proxy", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "Proxy.dll"));

    [Fact]
    public async Task A_wrong_configuration_ends_with_code_2_and_a_line_for_each_mistake()
    {
        var start = new ProcessStartInfo("dotnet", [Assembly, "--Proxy:Data=/tmp", "--Proxy:Drain=soon"])
        {
            RedirectStandardError = true,
        };
        using var proxy = Process.Start(start)!;
        var said = await proxy.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await proxy.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, proxy.ExitCode);
        Assert.Equal(
            ["Proxy:TokenFile is missing: name the file that holds the join token.", "Proxy:Drain 'soon' is not a time from 00:00:00 to 01:00:00."],
            said.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
