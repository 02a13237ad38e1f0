using System.Globalization;

namespace Mesh.Cli.Demo;

/// <summary>What the demo is made of: the control plane, four workloads with a proxy each, and who may call whom.</summary>
internal sealed class DemoPlan(SourceTree tree, DemoPorts ports, DemoSettings settings, string data)
{
    public const string Namespace = "emojivoto";
    public const string TrustDomain = "mesh.example";

    /// <summary>The workloads; web first, since the others wait for nobody.</summary>
    public static readonly IReadOnlyList<string> Workloads = ["web", "emoji", "voting", "vote-bot"];

    /// <summary>The edges that must be there, and in mTLS, for the demo to count as done.</summary>
    public static readonly IReadOnlyList<(string Source, string Destination)> ExpectedEdges = [("vote-bot", "web"), ("web", "emoji"), ("web", "voting")];

    public string SiloData => Path.Combine(data, "silo");

    /// <summary>The trust domain, unless it was set to another.</summary>
    public string TrustDomainName => settings.Find("Silo:TrustDomain") ?? TrustDomain;

    /// <summary>The page that a person opens: through web's inbound proxy, as a browser without an identity.</summary>
    public string PageUrl => $"http://{ports.Address("web inbound")}/";

    public string ProxyHostUrl => $"https://{ports.Address("ProxyHost")}";

    public string ProxyHostReady => $"http://{ports.Address("ProxyHost admin")}/ready";

    public string ReadyUrl(string workload) => $"http://{ports.Address($"{workload} admin")}/ready";

    public string MetricsUrl(string workload) => $"http://{ports.Address($"{workload} admin")}/metrics";

    public string TokenFile(string name) => Path.Combine(data, $"{name}.token");

    public string SpiffeId(string workload) => $"spiffe://{TrustDomainName}/ns/{Namespace}/sa/{workload}";

    /// <summary>The services, and the inbound proxies behind them.</summary>
    public IEnumerable<(string Service, string Endpoint, string Identity)> Services() =>
    [
        ($"web.{Namespace}:80", ports.Address("web inbound"), SpiffeId("web")),
        ($"emoji.{Namespace}:8080", ports.Address("emoji inbound"), SpiffeId("emoji")),
        ($"voting.{Namespace}:8080", ports.Address("voting inbound"), SpiffeId("voting")),
    ];

    public ChildPlan Silo() => Child("silo", "Silo", ProcessRole.Silo,
    [
        $"--Silo:Data={SiloData}",
        $"--Silo:TrustDomain={TrustDomain}",
        $"--Silo:HttpsListen={ports.Address("silo HTTPS")}",
        $"--Silo:AdminListen={ports.Address("silo admin")}",
        $"--Silo:SiloPort={Number("silo Orleans")}",
        $"--Silo:GatewayPort={Number("silo Orleans gateway")}",
    ]);

    public ChildPlan ProxyHost() => Child("proxyhost", "ProxyHost", ProcessRole.ProxyHost,
    [
        $"--ProxyHost:TokenFile={TokenFile("proxyhost")}",
        $"--ProxyHost:Data={Path.Combine(data, "proxyhost")}",
        $"--ProxyHost:Listen={ports.Address("ProxyHost")}",
        $"--ProxyHost:AdminListen={ports.Address("ProxyHost admin")}",
    ]);

    public ChildPlan Proxy(string workload)
    {
        List<string> arguments =
        [
            $"--Proxy:TokenFile={TokenFile(workload)}",
            $"--Proxy:Data={Path.Combine(data, $"{workload}-proxy")}",
            $"--Proxy:Admin:Listen={ports.Address($"{workload} admin")}",
            "--Proxy:Drain=00:00:02",
        ];
        if (workload != "vote-bot")
        {
            arguments.Add($"--Proxy:Inbound:0:Listen={ports.Address($"{workload} inbound")}");
            arguments.Add($"--Proxy:Inbound:0:Application={ports.Address($"{workload} application")}");
        }

        foreach (var (index, (listener, service)) in Outbound(workload).Index())
        {
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--Proxy:Outbound:{index}:Listen={ports.Address(listener)}"));
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--Proxy:Outbound:{index}:Service={service}"));
        }

        return Child($"{workload}-proxy", "Proxy", ProcessRole.Proxy, arguments);
    }

    public ChildPlan Application(string workload)
    {
        IReadOnlyList<string> arguments = workload switch
        {
            "web" =>
            [
                "web", "--listen", ports.Address("web application"), "--emoji", $"http://{ports.Address("web outbound emoji")}", "--voting",
                $"http://{ports.Address("web outbound voting")}",
            ],
            "vote-bot" => ["vote-bot", "--web", $"http://{ports.Address("vote-bot outbound web")}"],
            _ => [workload, "--listen", ports.Address($"{workload} application")],
        };
        return Child(workload, "Demo", ProcessRole.Application, arguments);
    }

    private static IEnumerable<(string Listener, string Service)> Outbound(string workload) => workload switch
    {
        "web" => [("web outbound emoji", $"emoji.{Namespace}:8080"), ("web outbound voting", $"voting.{Namespace}:8080")],
        "vote-bot" => [("vote-bot outbound web", $"web.{Namespace}:80")],
        _ => [],
    };

    private ChildPlan Child(string name, string project, ProcessRole role, IEnumerable<string> arguments) => new(
        name, "dotnet", [tree.Assembly(project), .. arguments, .. settings.ArgumentsFor(role)], Path.Combine(data, "logs", $"{name}.log"), role);

    private string Number(string what) => ports[what].ToString(CultureInfo.InvariantCulture);
}
