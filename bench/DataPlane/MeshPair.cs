using System.Net;
using Mesh.Admin.V1;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.DataPlane;

/// <summary>Our own proxies as an operator runs them: of a real mesh, with metrics, admin port and default policy.</summary>
internal sealed class MeshPair : IPeer
{
    private readonly BenchPair _pair;

    private MeshPair(string name, BenchPair pair, TappedWay tapped)
    {
        (Name, _pair, Tapped) = (name, pair, tapped);
    }

    public string Name { get; }

    public IPEndPoint Entrance => IPEndPoint.Parse(_pair.Entrance);

    public TappedWay Tapped { get; }

    public IReadOnlyList<int> Proxies => [_pair.BackProxy.Id, _pair.FrontProxy.Id];

    /// <param name="name">As in the figures; the workloads' names end with it.</param>
    /// <param name="isPooled">Whether connections are kept for those that come next.</param>
    public static async Task<MeshPair> StartAsync(
        string name, BenchMesh mesh, ProxyProgram program, IPEndPoint backend, bool isPooled, IReadOnlyDictionary<string, string> environment)
    {
        var (entrance, tap, service) = (FreePorts.NextAddress(), FreePorts.NextAddress(), $"tapped-{name}.shop:7000");
        var pair = await BenchPair.StartAsync(mesh, new BenchPairSettings
        {
            Program = program,
            Suffix = $"-{name}",
            Application = backend.ToString(),
            Environment = environment,
            Front = [$"--Proxy:Outbound:1:Listen={entrance}", $"--Proxy:Outbound:1:Service={service}"],
            Both = isPooled ? [] : ["--Proxy:Pooling:MaxIdle=0"],
        });
        try
        {
            var tapped = new SetServiceRequest { Name = service };
            tapped.Endpoints.Add(new Endpoint { Address = tap, SpiffeId = pair.Back.ToString() });
            await mesh.Admin.SetServiceAsync(tapped);
            // It and the pair's own; the first word of it may have been that it has none.
            await pair.FrontProxy.SaysAsync("has 1 endpoints", times: 2);
            return new MeshPair(name, pair, new TappedWay(IPEndPoint.Parse(entrance), IPEndPoint.Parse(tap), IPEndPoint.Parse(pair.Inbound)));
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _pair.DisposeAsync();
}
