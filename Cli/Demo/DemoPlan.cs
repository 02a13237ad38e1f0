using System.Globalization;

namespace Mesh.Cli.Demo;

/// <summary>What every demo is made of: the control plane, four workloads and a scraper with a proxy each, and who may call whom.</summary>
/// <param name="assemblies">Where each project was built to.</param>
internal abstract class DemoPlan(Func<string, string> assemblies, DemoPorts ports, DemoSettings settings, string data)
{
    public const string Namespace = "emojivoto";
    public const string TrustDomain = "mesh.example";

    /// <summary>The workload that reads the metrics of the others' proxies, with an identity in a namespace of its own.</summary>
    public const string Scraper = "prometheus";

    /// <summary>The name for which web has a certificate of its own: browsers that ask for it speak TLS that is not the mesh's.</summary>
    public const string SecureName = "vote.emojivoto.example";

    /// <summary>The workloads of the application; web first, since the others wait for nobody.</summary>
    public static readonly IReadOnlyList<string> Voters = ["web", "emoji", "voting", "vote-bot"];

    /// <summary>All workloads; the scraper last, since nobody waits for it.</summary>
    public static readonly IReadOnlyList<string> Workloads = [.. Voters, Scraper];

    /// <summary>The edges that must be there, and in mTLS, for the demo to count as done.</summary>
    public static readonly IReadOnlyList<(string Source, string Destination)> ExpectedEdges = [("vote-bot", "web"), ("web", "emoji"), ("web", "voting")];

    public string SiloData => Path.Combine(data, "silo");

    /// <summary>The trust domain, unless it was set to another.</summary>
    public string TrustDomainName => settings.Find("Silo:TrustDomain") ?? TrustDomain;

    /// <summary>The page that a person opens: through web's inbound proxy, as a browser without an identity.</summary>
    public string PageUrl => $"http://{Endpoint("web")}/";

    /// <summary>The same page in web's own TLS: IP:PORT, for <see cref="SecureName"/>.</summary>
    public abstract string SecureEndpoint { get; }

    public string ProxyHostUrl => $"https://{ProxyHostAddress}";

    public string ProxyHostReady => $"http://{ports.Address("ProxyHost admin")}/ready";

    /// <summary>What has to be done on this machine before a workload's processes start: command lines, each run to its end.</summary>
    public virtual IEnumerable<IReadOnlyList<string>> Preparations => [];

    protected DemoPorts Ports => ports;

    /// <summary>Where ProxyHosts listen, as proxies reach it.</summary>
    protected abstract string ProxyHostAddress { get; }

    public string ReadyUrl(string workload) => $"http://{Admin(workload)}/ready";

    public string TokenFile(string name) => Path.Combine(data, $"{name}.token");

    public string SpiffeId(string workload) => $"spiffe://{TrustDomainName}/ns/{NamespaceOf(workload)}/sa/{workload}";

    public static string NamespaceOf(string workload) => workload == Scraper ? "monitoring" : Namespace;

    /// <summary>The services, and where the mesh reaches them.</summary>
    public IEnumerable<(string Service, string Endpoint, string Identity)> Services() =>
    [
        ($"web.{Namespace}:80", Endpoint("web"), SpiffeId("web")),
        ($"emoji.{Namespace}:8080", Endpoint("emoji"), SpiffeId("emoji")),
        ($"voting.{Namespace}:8080", Endpoint("voting"), SpiffeId("voting")),
        .. Voters.Select(workload => (MetricsService(workload), Admin(workload), SpiffeId(workload))),
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
        $"--ProxyHost:Listen={ProxyHostAddress}",
        $"--ProxyHost:AdminListen={ports.Address("ProxyHost admin")}",
    ]);

    public ChildPlan Proxy(string workload) => Child($"{workload}-proxy", "Proxy", ProcessRole.Proxy,
    [
        $"--Proxy:TokenFile={TokenFile(workload)}",
        $"--Proxy:Data={Path.Combine(data, $"{workload}-proxy")}",
        $"--Proxy:Admin:Listen={Admin(workload)}",
        "--Proxy:Drain=00:00:02",
        .. Listeners(workload),
    ]);

    public ChildPlan Application(string workload) => Child(workload, "Demo", ProcessRole.Application, workload switch
    {
        "web" => ["web", "--listen", ApplicationListen("web"), "--emoji", $"http://{Target("web", "emoji")}", "--voting", $"http://{Target("web", "voting")}",
            "--listen-tls", SecureListen, "--tls-name", SecureName],
        "vote-bot" => ["vote-bot", "--web", $"http://{Target("vote-bot", "web")}"],
        Scraper => [Scraper, "--targets", string.Join(',', Voters.Select(target => $"http://{MetricsTarget(target)}/metrics"))],
        _ => [workload, "--listen", ApplicationListen(workload)],
    });

    /// <summary>Where a workload's proxy serves probes and metrics.</summary>
    protected abstract string Admin(string workload);

    /// <summary>Where the mesh reaches a workload.</summary>
    protected abstract string Endpoint(string workload);

    /// <summary>Where a workload's application listens.</summary>
    protected abstract string ApplicationListen(string workload);

    /// <summary>Where web's application listens in its own TLS.</summary>
    protected abstract string SecureListen { get; }

    /// <summary>Where the scraper connects that wants to reach a workload's metrics.</summary>
    protected abstract string MetricsTarget(string workload);

    /// <summary>The name under which the metrics of a workload's proxy are a service.</summary>
    protected static string MetricsService(string workload) => $"{workload}-metrics.{Namespace}:4191";

    /// <summary>Where an application connects that wants to reach another.</summary>
    protected abstract string Target(string source, string destination);

    /// <summary>The options of a workload's proxy that say where it listens.</summary>
    protected abstract IEnumerable<string> Listeners(string workload);

    /// <summary>The command line that starts a program of ours in its place.</summary>
    protected virtual IReadOnlyList<string> Command(string name, ProcessRole role, string assembly, IEnumerable<string> arguments) => ["dotnet", assembly, .. arguments];

    protected string AssemblyOf(string project) => assemblies(project);

    private ChildPlan Child(string name, string project, ProcessRole role, IEnumerable<string> arguments)
    {
        var command = Command(name, role, AssemblyOf(project), arguments.Concat(settings.ArgumentsFor(role)));
        return new ChildPlan(name, command[0], [.. command.Skip(1)], Path.Combine(data, "logs", $"{name}.log"), role);
    }

    private string Number(string what) => ports[what].ToString(CultureInfo.InvariantCulture);
}
