using System.Diagnostics;
using Mesh.Proxy.Tests.Support;

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

    [Fact]
    public async Task Where_the_kernel_does_not_tell_whose_a_connection_is_a_proxy_with_an_outbound_listener_does_not_start()
    {
        var folder = Directory.CreateTempSubdirectory("mesh-proxy-test-");
        try
        {
            var start = new ProcessStartInfo(
                "dotnet",
                [
                    Assembly, $"--Proxy:Data={folder.FullName}", $"--Proxy:TokenFile={folder.FullName}/token", "--Proxy:Admin:Listen=127.0.0.1:14191",
                    "--Proxy:Outbound:0:Listen=127.0.0.1:14140", "--Proxy:Outbound:0:Service=web.shop:80",
                ])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            };
            using var proxy = SandboxedProcess.StartWithoutNetlink(start);
            var said = await proxy.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await proxy.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.Contains("NETLINK_SOCK_DIAG", said, StringComparison.Ordinal);
            Assert.Equal(1, proxy.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
