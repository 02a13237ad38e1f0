using Mesh.Admin.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Support;

/// <summary>How the two proxies of a <see cref="BenchPair"/> are run.</summary>
internal sealed record BenchPairSettings
{
    public ProxyProgram Program { get; init; } = ProxyProgram.Ordinary;

    /// <summary>After the names of workloads and service, where a mesh has several pairs.</summary>
    public string Suffix { get; init; } = "";

    /// <summary>IP:PORT of the application behind the back; null: one that says back what it hears.</summary>
    public string? Application { get; init; }

    /// <summary>Settings of the front's proxy, beside those that it needs.</summary>
    public IReadOnlyList<string> Front { get; init; } = [];

    /// <summary>Settings of both.</summary>
    public IReadOnlyList<string> Both { get; init; } = [];

    public IReadOnlyDictionary<string, string>? Environment { get; init; }
}

/// <summary>Two meshed workloads, each behind a real proxy: <c>shop/front</c> calls <c>shop/back</c>.</summary>
internal sealed class BenchPair : IAsyncDisposable
{
    private readonly BenchPairSettings _settings;
    private readonly EchoApplication? _application;
    private readonly List<(TestProcess Process, string Admin)> _proxies = [];

    private BenchPair(BenchPairSettings settings)
    {
        _settings = settings;
        _application = settings.Application is null ? new EchoApplication() : null;
    }

    /// <summary>Where the front's application connects.</summary>
    public string Entrance { get; } = FreePorts.NextAddress();

    /// <summary>Where the back's proxy meets the mesh.</summary>
    public string Inbound { get; } = FreePorts.NextAddress();

    /// <summary>The proxy that stands before the back.</summary>
    public TestProcess BackProxy => _proxies[0].Process;

    public TestProcess FrontProxy => _proxies[1].Process;

    /// <summary>IP:PORT of the probes and metrics of the back's proxy.</summary>
    public string BackAdmin => _proxies[0].Admin;

    public string FrontAdmin => _proxies[1].Admin;

    public SpiffeId Front { get; private set; } = null!;

    public SpiffeId Back { get; private set; } = null!;

    private string Service => $"back{_settings.Suffix}.shop:7000";

    public static async Task<BenchPair> StartAsync(BenchMesh mesh, BenchPairSettings? settings = null)
    {
        var pair = new BenchPair(settings ?? new BenchPairSettings());
        try
        {
            await pair.StartProxiesAsync(mesh);
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
        foreach (var (process, _) in _proxies)
        {
            await process.DisposeAsync();
        }

        await (_application?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private async Task StartProxiesAsync(BenchMesh mesh)
    {
        Back = await AddProxyAsync(
            mesh, $"back{_settings.Suffix}",
            [$"--Proxy:Inbound:0:Listen={Inbound}", $"--Proxy:Inbound:0:Application={_settings.Application ?? _application!.Address}"]);
        var service = new SetServiceRequest { Name = Service };
        service.Endpoints.Add(new Endpoint { Address = Inbound, SpiffeId = Back.ToString() });
        await mesh.Admin.SetServiceAsync(service);
        Front = await AddProxyAsync(
            mesh, $"front{_settings.Suffix}", [$"--Proxy:Outbound:0:Listen={Entrance}", $"--Proxy:Outbound:0:Service={Service}", .. _settings.Front]);
        await FrontProxy.SaysAsync($"Service {Service}, version ");
    }

    private async Task<SpiffeId> AddProxyAsync(BenchMesh mesh, string workload, string[] settings)
    {
        var (token, admin) = (await mesh.TokenAsync(workload), FreePorts.NextAddress());
        await File.WriteAllTextAsync(mesh.File($"{workload}.token"), token);
        var process = _settings.Program.Start(
            $"{workload}-proxy",
            [
                $"--Proxy:TokenFile={mesh.File($"{workload}.token")}", $"--Proxy:Data={mesh.File(workload)}", $"--Proxy:Admin:Listen={admin}",
                .. settings, .. _settings.Both,
            ],
            _settings.Environment);
        _proxies.Add((process, admin));
        await BenchMesh.UntilReadyAsync(process, admin);
        return Spiffe.JoinToken.ParseUnverified(token).Subject;
    }
}
