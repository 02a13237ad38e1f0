using System.Globalization;
using System.Net;
using Mesh.Cli.Network;

namespace Mesh.Cli.Demo;

/// <summary>
/// A demo with a host for each workload: applications listen and connect as if there were no mesh, and <c>Proxy init</c> leads what they send
/// through their proxies. The control plane is on this machine, which is on the same wire.
/// </summary>
/// <param name="machine">This machine's address on that wire.</param>
/// <param name="hosts">The workloads' hosts, by name.</param>
internal sealed class TransparentPlan(
    Func<string, string> assemblies, DemoPorts ports, DemoSettings settings, string data, IPAddress machine, IReadOnlyDictionary<string, NetworkHost> hosts)
    : DemoPlan(assemblies, ports, settings, data)
{
    private const int ApplicationPort = 8080;
    private const int SecurePort = 8443;
    private const int AdminPort = 4191;

    // Linkerd's. The applications stay root, so that the two are never the same.
    private const string ProxyUid = "2102";

    /// <inheritdoc/>
    public override IEnumerable<IReadOnlyList<string>> Preparations =>
        hosts.Values.Select(host => host.Command("dotnet", [AssemblyOf("Proxy"), "init", "--proxy-uid", ProxyUid]));

    public override string SecureEndpoint => At("web", SecurePort);

    protected override string SecureListen => string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{SecurePort}");

    protected override string ProxyHostAddress => string.Create(CultureInfo.InvariantCulture, $"{machine}:{Ports["ProxyHost"]}");

    protected override string Admin(string workload) => At(workload, AdminPort);

    // What comes to the application's own address arrives at its proxy.
    protected override string Endpoint(string workload) => At(workload, ApplicationPort);

    protected override string ApplicationListen(string workload) => string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{ApplicationPort}");

    protected override string Target(string source, string destination) => At(destination, ApplicationPort);

    protected override string MetricsTarget(string workload) => Admin(workload);

    protected override IEnumerable<string> Listeners(string workload) => ["--Proxy:Transparent:Enabled=true"];

    protected override IReadOnlyList<string> Command(string name, ProcessRole role, string assembly, IEnumerable<string> arguments) => role switch
    {
        ProcessRole.Application => hosts[name].Command("dotnet", [assembly, .. arguments]),
        ProcessRole.Proxy => hosts[name[..^"-proxy".Length]].Command(
            "setpriv",
            [
                // A change of user lets go of the parent, so it is held on to again. And a proxy must reach the build and its data, which are root's.
                "--pdeathsig", "TERM", "--reuid", ProxyUid, "--regid", ProxyUid, "--clear-groups",
                "--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search", "--", "dotnet", assembly, .. arguments,
            ]),
        _ => base.Command(name, role, assembly, arguments),
    };

    private string At(string workload, int port) => string.Create(CultureInfo.InvariantCulture, $"{hosts[workload].Address}:{port}");
}
