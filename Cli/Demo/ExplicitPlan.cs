using System.Globalization;

namespace Mesh.Cli.Demo;

/// <summary>A demo on loopback: applications are told the address of their proxy's listeners.</summary>
internal sealed class ExplicitPlan(Func<string, string> assemblies, DemoPorts ports, DemoSettings settings, string data) : DemoPlan(assemblies, ports, settings, data)
{
    public override string SecureEndpoint => Ports.Address("web inbound TLS");

    protected override string SecureListen => Ports.Address("web application TLS");

    protected override string ProxyHostAddress => Ports.Address("ProxyHost");

    protected override string Admin(string workload) => Ports.Address($"{workload} admin");

    protected override string Endpoint(string workload) => Ports.Address($"{workload} inbound");

    protected override string ApplicationListen(string workload) => Ports.Address($"{workload} application");

    protected override string Target(string source, string destination) => Ports.Address($"{source} outbound {destination}");

    protected override string MetricsTarget(string workload) => Target(Scraper, workload);

    protected override IEnumerable<string> Listeners(string workload)
    {
        if (workload is not ("vote-bot" or Scraper))
        {
            yield return $"--Proxy:Inbound:0:Listen={Ports.Address($"{workload} inbound")}";
            yield return $"--Proxy:Inbound:0:Application={Ports.Address($"{workload} application")}";
        }

        if (workload == "web")
        {
            yield return $"--Proxy:Inbound:1:Listen={SecureEndpoint}";
            yield return $"--Proxy:Inbound:1:Application={SecureListen}";
        }

        foreach (var (index, (destination, service)) in Outbound(workload).Index())
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"--Proxy:Outbound:{index}:Listen={Target(workload, destination)}");
            yield return string.Create(CultureInfo.InvariantCulture, $"--Proxy:Outbound:{index}:Service={service}");
        }
    }

    private static IEnumerable<(string Destination, string Service)> Outbound(string workload) => workload switch
    {
        "web" => [("emoji", $"emoji.{Namespace}:8080"), ("voting", $"voting.{Namespace}:8080")],
        "vote-bot" => [("web", $"web.{Namespace}:80")],
        Scraper => Voters.Select(target => (target, MetricsService(target))),
        _ => [],
    };
}
