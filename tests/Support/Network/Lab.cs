using System.Diagnostics;
using Mesh.Cli.Network;
using Mesh.Tests.Processes;

namespace Mesh.Tests.Network;

/// <summary>A <see cref="NetworkLab"/> for a test, which is skipped where there can be none.</summary>
internal static class Lab
{
    public static async Task<NetworkLab> CreateAsync()
    {
        Tools.Require("ip", "iproute2");
        Tools.Require("nft", "nftables");
        Tools.Require("setpriv", "util-linux");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may make network namespaces. Run these tests as root to include this one.");
        Assert.SkipUnless(MayMakeNamespaces(), "Network namespaces are not allowed here; a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN.");
        return await NetworkLab.CreateAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Starts a program on one of its hosts.</summary>
    public static TestProcess Start(this NetworkHost host, string name, string program, IEnumerable<string> arguments, uint? uid = null)
    {
        var command = host.Command(program, arguments, uid);
        return TestProcess.Start(name, command[0], command.Skip(1));
    }

    private static bool MayMakeNamespaces()
    {
        using var attempt = Process.Start(new ProcessStartInfo("unshare", ["--net", "--mount", "true"]) { RedirectStandardError = true })!;
        attempt.WaitForExit();
        return attempt.ExitCode == 0;
    }
}
