using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>OpenSSH on both sides: both speak at once, and what travels is encrypted already.</summary>
internal sealed class SshServer() : RealServer("sshd", 2022, ("sshd", "openssh-server"), ("ssh", "openssh-client"), ("ssh-keygen", "openssh-client"))
{
    public override async Task<TestProcess> StartAsync(NetworkHost host, string folder)
    {
        await RunAsync(host, null, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, "host"));
        await RunAsync(host, null, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, "client"));
        var configuration = Path.Combine(folder, "sshd_config");
        await File.WriteAllTextAsync(
            configuration,
            $"""
            Port {Port}
            HostKey {folder}/host
            AuthorizedKeysFile {folder}/client.pub
            PidFile {folder}/sshd.pid
            StrictModes no
            UsePAM no
            PermitRootLogin prohibit-password
            UseDNS no

            """);
        // Where its unprivileged half is confined to; the service would make it.
        Directory.CreateDirectory("/run/sshd");
        return host.Start("sshd", "/usr/sbin/sshd", ["-D", "-e", "-f", configuration]);
    }

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        Assert.Equal("hello", await SshAsync("echo hello"));
        Assert.Equal(1_000_000, (await SshAsync("head -c 1000000 /dev/zero | tr '\\0' x")).Length);

        Task<string> SshAsync(string command) => RunAsync(
            client, null, "ssh", "-F", "none", "-i", Path.Combine(folder, "client"), "-p", $"{Port}", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", $"root@{server}", command);
    }
}
