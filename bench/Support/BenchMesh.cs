using System.Net.Sockets;
using Grpc.Net.Client;
using Mesh.Admin.V1;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Support;

/// <summary>A ProxyHost that runs.</summary>
/// <param name="Url">Where proxies connect.</param>
/// <param name="Admin">IP:PORT of its probes and metrics.</param>
internal sealed record BenchProxyHost(TestProcess Process, Uri Url, string Admin);

/// <summary>A silo and ProxyHosts on loopback, in a folder of their own, run as an operator runs them.</summary>
internal sealed class BenchMesh : IAsyncDisposable
{
    /// <summary>
    /// Takes a ProxyHost's limits out of the way where many share an address and ask faster than proxies do; what is measured is what it
    /// carries.
    /// </summary>
    public static readonly string[] NoLimits =
    [
        "--ProxyHost:CallsPerSecond=1000000", "--ProxyHost:EnrollmentsPerSecond=1000000", "--ProxyHost:EnrollmentsPerSecondPerAddress=1000000",
        "--ProxyHost:UnprovenLifetime=00:10:00",
    ];

    // Tests do without; what is measured is what an operator runs.
    private static readonly Dictionary<string, string> AsItComes = new() { ["DOTNET_TieredPGO"] = "1" };

    private readonly TempFolder _folder = new();
    private readonly List<BenchProxyHost> _proxyHosts = [];
    private readonly GrpcChannel _channel;

    private BenchMesh(string[] settings)
    {
        Silo = TestProcess.StartDotnet("silo", Programs.Assembly("Silo"),
        [
            $"--Silo:Data={Data}", $"--Silo:HttpsListen={FreePorts.NextAddress()}", $"--Silo:AdminListen={FreePorts.NextAddress()}",
            $"--Silo:SiloPort={FreePorts.Next()}", $"--Silo:GatewayPort={FreePorts.Next()}", .. settings,
        ], AsItComes);
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { ConnectCallback = (_, cancellationToken) => ConnectAsync(Socket, cancellationToken) },
            DisposeHttpClient = true,
        });
        Admin = new Admin.V1.Admin.AdminClient(_channel);
    }

    public TestProcess Silo { get; }

    /// <summary>The admin API on the silo's unix socket.</summary>
    public Admin.V1.Admin.AdminClient Admin { get; }

    /// <summary>The silo's data folder.</summary>
    public string Data => _folder.File("silo");

    /// <summary>ProxyHosts, in the order in which they were added.</summary>
    public IReadOnlyList<BenchProxyHost> ProxyHosts => _proxyHosts;

    private string Socket => Path.Combine(Data, "admin.sock");

    /// <summary>A silo that answers, and no ProxyHost yet.</summary>
    public static async Task<BenchMesh> StartAsync(params string[] settings)
    {
        var mesh = new BenchMesh(settings);
        try
        {
            await Eventually.TrueAsync(
                () => !mesh.Silo.HasExited ? System.IO.File.Exists(mesh.Socket) : throw new InvalidOperationException(mesh.Silo.Output), "the silo's socket is there");
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more ProxyHost, ready for proxies.</summary>
    public async Task<BenchProxyHost> AddProxyHostAsync(params string[] settings)
    {
        var (name, listen, admin) = ($"proxyhost-{_proxyHosts.Count}", FreePorts.NextAddress(), FreePorts.NextAddress());
        var token = await Admin.CreateProxyHostTokenAsync(new CreateProxyHostTokenRequest { Name = name });
        await System.IO.File.WriteAllTextAsync(_folder.File($"{name}.token"), token.Token);
        var process = TestProcess.StartDotnet(name, Programs.Assembly("ProxyHost"),
        [
            $"--ProxyHost:TokenFile={_folder.File($"{name}.token")}", $"--ProxyHost:Data={_folder.File(name)}",
            $"--ProxyHost:Listen={listen}", $"--ProxyHost:AdminListen={admin}", .. settings,
        ], AsItComes);
        var proxyHost = new BenchProxyHost(process, new Uri($"https://{listen}"), admin);
        _proxyHosts.Add(proxyHost);
        await UntilReadyAsync(process, admin);
        return proxyHost;
    }

    /// <summary>Waits until a process answers at <c>/ready</c>.</summary>
    public static async Task UntilReadyAsync(TestProcess process, string admin)
    {
        using var http = new HttpClient();
        await Eventually.TrueAsync(
            () => !process.HasExited ? IsReadyAsync(http, admin) : throw new InvalidOperationException(process.Output), $"{process.Name} is ready");
    }

    /// <summary>A file of this mesh that goes with it.</summary>
    public string File(string name) => _folder.File(name);

    /// <summary>A join token for a workload of the namespace <c>shop</c>.</summary>
    public async Task<string> TokenAsync(string workload)
    {
        var request = new CreateWorkloadTokenRequest { Namespace = "shop", ServiceAccount = workload };
        request.Addresses.AddRange(_proxyHosts.Select(proxyHost => proxyHost.Url.ToString().TrimEnd('/')));
        return (await Admin.CreateWorkloadTokenAsync(request)).Token;
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        foreach (var proxyHost in _proxyHosts)
        {
            await proxyHost.Process.DisposeAsync();
        }

        await Silo.DisposeAsync();
        _folder.Dispose();
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string admin)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://{admin}/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
