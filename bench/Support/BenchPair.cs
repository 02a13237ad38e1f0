using Mesh.Admin.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Support;

/// <summary>Two meshed workloads, each behind a real proxy: <c>shop/front</c> calls <c>shop/back</c>, which answers with what it hears.</summary>
internal sealed class BenchPair : IAsyncDisposable
{
    private const string Service = "back.shop:7000";

    private readonly EchoApplication _application = new();
    private readonly List<TestProcess> _proxies = [];

    private BenchPair()
    {
    }

    /// <summary>Where the front's application connects.</summary>
    public string Entrance { get; } = FreePorts.NextAddress();

    /// <summary>Where the back's proxy meets the mesh.</summary>
    public string Inbound { get; } = FreePorts.NextAddress();

    /// <summary>The proxy that stands before the back.</summary>
    public TestProcess BackProxy => _proxies[0];

    public SpiffeId Front { get; private set; } = null!;

    public SpiffeId Back { get; private set; } = null!;

    public static async Task<BenchPair> StartAsync(BenchMesh mesh)
    {
        var pair = new BenchPair();
        try
        {
            pair.Back = await pair.AddProxyAsync(
                mesh, "back", $"--Proxy:Inbound:0:Listen={pair.Inbound}", $"--Proxy:Inbound:0:Application={pair._application.Address}");
            var service = new SetServiceRequest { Name = Service };
            service.Endpoints.Add(new Endpoint { Address = pair.Inbound, SpiffeId = pair.Back.ToString() });
            await mesh.Admin.SetServiceAsync(service);
            pair.Front = await pair.AddProxyAsync(mesh, "front", $"--Proxy:Outbound:0:Listen={pair.Entrance}", $"--Proxy:Outbound:0:Service={Service}");
            await pair._proxies[^1].SaysAsync($"Service {Service}, version ");
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        await _application.DisposeAsync();
    }

    private async Task<SpiffeId> AddProxyAsync(BenchMesh mesh, string workload, params string[] settings)
    {
        var (token, admin) = (await mesh.TokenAsync(workload), FreePorts.NextAddress());
        await File.WriteAllTextAsync(mesh.File($"{workload}.token"), token);
        var process = TestProcess.StartDotnet($"{workload}-proxy", Programs.Assembly("Proxy"),
        [
            $"--Proxy:TokenFile={mesh.File($"{workload}.token")}", $"--Proxy:Data={mesh.File(workload)}", $"--Proxy:Admin:Listen={admin}", .. settings,
        ]);
        _proxies.Add(process);
        await BenchMesh.UntilReadyAsync(process, admin);
        return Spiffe.JoinToken.ParseUnverified(token).Subject;
    }
}
