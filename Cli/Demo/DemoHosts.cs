using System.Net;
using Mesh.Cli.Network;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>A host for each workload of the demo, on one wire with this machine; they go with this object.</summary>
internal sealed class DemoHosts : IAsyncDisposable
{
    private readonly NetworkLab _lab;

    private DemoHosts(NetworkLab lab, IReadOnlyDictionary<string, NetworkHost> byWorkload) => (_lab, ByWorkload) = (lab, byWorkload);

    /// <summary>This machine's address on the wire.</summary>
    public IPAddress Machine => _lab.Address;

    public IReadOnlyDictionary<string, NetworkHost> ByWorkload { get; }

    /// <exception cref="CliException">Hosts can't be made here; the message says what is missing.</exception>
    public static async Task<DemoHosts> BuildAsync(CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new CliException(
                ExitCodes.Environment, "A host for each workload is a network namespace, and only root may make those.", "Run it as root, or leave --transparent out.");
        }

        foreach (var (program, package) in new[] { ("ip", "iproute2"), ("nft", "nftables"), ("setpriv", "util-linux") })
        {
            if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program))))
            {
                throw new CliException(ExitCodes.Environment, $"{program} is not installed, and the hosts of the workloads need it.", $"Debian: apt-get install {package}");
            }
        }

        NetworkLab? lab = null;
        try
        {
            lab = await NetworkLab.CreateAsync(cancellationToken);
            var hosts = new Dictionary<string, NetworkHost>();
            foreach (var workload in DemoPlan.Workloads)
            {
                hosts[workload] = await lab.AddAsync(workload, cancellationToken);
            }

            return new DemoHosts(lab, hosts);
        }
        catch (Exception e)
        {
            if (lab is not null)
            {
                await lab.DisposeAsync();
            }

            if (e is IOException or UnauthorizedAccessException)
            {
                throw new CliException(
                    ExitCodes.Environment, $"The hosts of the workloads can't be made: {e.Message}", "A container needs CAP_SYS_ADMIN and CAP_NET_ADMIN for it. Or leave --transparent out.");
            }

            throw;
        }
    }

    public ValueTask DisposeAsync() => _lab.DisposeAsync();
}
