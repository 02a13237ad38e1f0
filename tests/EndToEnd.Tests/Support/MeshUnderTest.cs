using System.Net;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Admin.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A silo and a ProxyHost as processes on loopback, in a folder of their own, and the admin API as the CLI uses it.</summary>
internal sealed class MeshUnderTest : IAsyncDisposable
{
    public const string Namespace = "shop";

    private readonly TempFolder _folder = new();
    private readonly List<TestProcess> _processes = [];
    private readonly GrpcChannel _channel;
    private readonly int _siloPort = FreePorts.Next();
    private readonly string _siloAdmin = FreePorts.NextAddress();
    private readonly string _proxyHostListen;
    private readonly string[] _siloSettings;

    private MeshUnderTest(string[] siloSettings, IPAddress? proxyHostAddress)
    {
        _siloSettings = siloSettings;
        _proxyHostListen = new IPEndPoint(proxyHostAddress ?? IPAddress.Loopback, FreePorts.Next()).ToString();
        _channel = Support.AdminSocket.Open(AdminSocket);
        Admin = new Mesh.Admin.V1.Admin.AdminClient(_channel);
    }

    public TrustDomainName TrustDomainName { get; } = TrustDomainName.Parse("mesh.example");

    public Mesh.Admin.V1.Admin.AdminClient Admin { get; }

    public TestProcess Silo { get; private set; } = null!;

    public TestProcess ProxyHost { get; private set; } = null!;

    public string SiloData => _folder.File("silo");

    public string AdminSocket => Path.Combine(SiloData, "admin.sock");

    public string SiloHttps { get; } = FreePorts.NextAddress();

    public int GatewayPort { get; } = FreePorts.Next();

    public int OrleansSiloPort => _siloPort;

    public Uri SiloMetrics => new($"http://{_siloAdmin}/metrics");

    public string ProxyHostAdmin { get; } = FreePorts.NextAddress();

    public Uri ProxyHostMetrics => new($"http://{ProxyHostAdmin}/metrics");

    public Uri ProxyHostUrl => new($"https://{_proxyHostListen}");

    public string Folder => _folder.Path;

    /// <summary>Both, ready.</summary>
    public static Task<MeshUnderTest> StartAsync(params string[] siloSettings) => StartAsync(siloSettings, []);

    /// <summary>Both, ready, the ProxyHost with settings of its own too, and on an address other than loopback where one is given.</summary>
    public static async Task<MeshUnderTest> StartAsync(string[] siloSettings, string[] proxyHostSettings, IPAddress? proxyHostAddress = null)
    {
        var mesh = await StartSiloAsync(siloSettings, proxyHostAddress);
        try
        {
            await File.WriteAllTextAsync(mesh._folder.File("proxyhost.token"), await mesh.ProxyHostTokenAsync("proxyhost-0"));
            await mesh.StartProxyHostAsync(proxyHostSettings);
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    public static Task<MeshUnderTest> StartSiloAloneAsync(params string[] siloSettings) => StartSiloAsync(siloSettings, null);

    private static async Task<MeshUnderTest> StartSiloAsync(string[] siloSettings, IPAddress? proxyHostAddress)
    {
        var mesh = new MeshUnderTest(siloSettings, proxyHostAddress);
        try
        {
            await mesh.StartSiloAsync();
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the silo, again where it was there before: on the same data.</summary>
    public async Task StartSiloAsync()
    {
        Silo = Track(TestProcess.StartDotnet("silo", Programs.Assembly("Silo"),
        [
            $"--Silo:Data={SiloData}", $"--Silo:HttpsListen={SiloHttps}", $"--Silo:AdminListen={_siloAdmin}",
            $"--Silo:SiloPort={_siloPort}", $"--Silo:GatewayPort={GatewayPort}", .. _siloSettings,
        ]));
        await Eventually.TrueAsync(AnswersAsync, "the silo's admin API answers");
    }

    public async Task StartProxyHostAsync(params string[] settings)
    {
        ProxyHost = Track(TestProcess.StartDotnet("proxyhost", Programs.Assembly("ProxyHost"),
        [
            $"--ProxyHost:TokenFile={_folder.File("proxyhost.token")}", $"--ProxyHost:Data={_folder.File("proxyhost")}",
            $"--ProxyHost:Listen={_proxyHostListen}", $"--ProxyHost:AdminListen={ProxyHostAdmin}", .. settings,
        ]));
        await Http.UntilReadyAsync(ProxyHostAdmin);
    }

    /// <summary>Starts one more ProxyHost beside the first.</summary>
    /// <returns>The process, and where proxies connect.</returns>
    public async Task<(TestProcess Process, Uri Address)> AddProxyHostAsync(string name)
    {
        var (listen, admin, token) = (FreePorts.NextAddress(), FreePorts.NextAddress(), _folder.File($"{name}.token"));
        await File.WriteAllTextAsync(token, await ProxyHostTokenAsync(name));
        var process = Track(TestProcess.StartDotnet(name, Programs.Assembly("ProxyHost"),
        [
            $"--ProxyHost:TokenFile={token}", $"--ProxyHost:Data={_folder.File(name)}", $"--ProxyHost:Listen={listen}", $"--ProxyHost:AdminListen={admin}",
        ]));
        await Http.UntilReadyAsync(admin);
        return (process, new Uri($"https://{listen}"));
    }

    public SpiffeId IdOf(string workload) => SpiffeId.ForWorkload(TrustDomainName, Namespace, workload);

    /// <summary>A join token for a workload, as an operator makes one.</summary>
    public async Task<string> TokenAsync(string workload, params Uri[] furtherProxyHosts) => (await Admin.CreateWorkloadTokenAsync(new CreateWorkloadTokenRequest
    {
        Namespace = Namespace,
        ServiceAccount = workload,
        Lifetime = Duration.FromTimeSpan(TimeSpan.FromMinutes(10)),
        Addresses = { furtherProxyHosts.Prepend(ProxyHostUrl).Select(address => address.ToString().TrimEnd('/')) },
    })).Token;

    public async Task<string> ProxyHostTokenAsync(string name) =>
        (await Admin.CreateProxyHostTokenAsync(new CreateProxyHostTokenRequest { Name = name })).Token;

    /// <summary>Starts a workload's proxy and waits for nothing.</summary>
    public async Task<ProxyUnderTest> LaunchProxyAsync(
        string workload, string? application, IReadOnlyList<string> services, IEnumerable<string> settings, bool isNative = false,
        params Uri[] furtherProxyHosts)
    {
        var tokenFile = _folder.File($"{workload}.token");
        await File.WriteAllTextAsync(tokenFile, await TokenAsync(workload, furtherProxyHosts));
        var proxy = new ProxyUnderTest(IdOf(workload), tokenFile, _folder.File($"{workload}-proxy"), application, services, settings, isNative);
        Track(proxy.Start());
        return proxy;
    }

    public void Restarted(TestProcess process) => Track(process);

    public Task SetServiceAsync(string name, string address, SpiffeId? id) => SetServiceAsync(name, [address], id);

    public Task SetServiceAsync(string name, IEnumerable<string> addresses, SpiffeId? id) => Admin.SetServiceAsync(new SetServiceRequest
    {
        Name = name,
        Endpoints = { addresses.Select(address => new Endpoint { Address = address, SpiffeId = id?.ToString() ?? "" }) },
    }).ResponseAsync;

    public Task SetPolicyAsync(string workload, string mode) => Admin.SetDefaultPolicyAsync(
        new SetDefaultPolicyRequest { Namespace = Namespace, ServiceAccount = workload, Mode = mode }).ResponseAsync;

    public async Task<TrustDomain> TrustAsync() => await Admin.GetTrustDomainAsync(new GetTrustDomainRequest());

    public async Task RevokeIssuerAsync(string keyHash) =>
        await Admin.RevokeIssuerAsync(new RevokeIssuerRequest { KeyHash = keyHash, Reason = "drill" });

    public async Task<IReadOnlyList<Identity>> IdentitiesAsync(string workload) =>
        [.. (await Admin.ListIdentitiesAsync(new ListIdentitiesRequest())).Identities.Where(identity => identity.SpiffeId == IdOf(workload).ToString())];

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            foreach (var process in _processes)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"=== {process.Name}\n{process.Output}");
            }
        }

        foreach (var process in Enumerable.Reverse(_processes))
        {
            await process.DisposeAsync();
        }

        _channel.Dispose();
        _folder.Dispose();
    }

    private TestProcess Track(TestProcess process)
    {
        _processes.Add(process);
        return process;
    }

    private async Task<bool> AnswersAsync()
    {
        if (Silo.HasExited)
        {
            throw new InvalidOperationException($"The silo has ended: {Silo.Output}");
        }

        try
        {
            await Admin.GetTrustDomainAsync(new GetTrustDomainRequest(), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(5));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }
}
