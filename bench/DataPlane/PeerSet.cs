using System.Net;
using Mesh.Bench.Load;
using Mesh.Bench.Support;

namespace Mesh.Bench.DataPlane;

/// <summary>The peers that run, to be ended together.</summary>
internal sealed class PeerSet : IAsyncDisposable
{
    public const string Direct = "direct";
    public const string Nginx = "nginx";
    public const string Haproxy = "haproxy";
    public const string Mesh = "mesh";

    /// <summary>The mesh's proxies where they make a handshake for every connection, beside <see cref="Mesh"/>, which does not.</summary>
    public const string Unpooled = "mesh-unpooled";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly List<IPeer> _peers = [];

    private PeerSet()
    {
    }

    public IReadOnlyList<IPeer> All => _peers;

    public IReadOnlyList<string> Names => [.. _peers.Select(peer => peer.Name)];

    /// <summary>Whether the mesh's proxies keep connections for those that come next.</summary>
    public bool HasPooling { get; private set; }

    /// <param name="mesh">Null: nothing of it is measured.</param>
    /// <param name="folder">For configurations and keys.</param>
    public static async Task<PeerSet> StartAsync(ProxyBenchSettings settings, BenchMesh? mesh, IPEndPoint backend, string folder)
    {
        var environment = Suite.Pin(settings.Suite, Path.Combine(folder, "openssl.cnf"));
        PeerKeys.Write(folder);
        var peers = new PeerSet();
        try
        {
            if (settings.Measures(Direct))
            {
                peers._peers.Add(new DirectLine(backend));
            }

            if (settings.Measures(Nginx))
            {
                peers._peers.Add(await new NginxPair(backend, folder, environment).StartAsync());
            }

            if (settings.Measures(Haproxy))
            {
                peers._peers.Add(await new HaproxyPair(backend, folder, environment).StartAsync());
            }

            if (mesh is not null)
            {
                peers.HasPooling = await MeshPair.HasPoolingAsync(settings.Program);
                peers._peers.Add(await MeshPair.StartAsync(Mesh, mesh, settings.Program, backend, isPooled: true, environment));
                if (peers.HasPooling && settings.Wants(Workload.Handshake))
                {
                    peers._peers.Add(await MeshPair.StartAsync(Unpooled, mesh, settings.Program, backend, isPooled: false, environment));
                }
            }

            return peers;
        }
        catch
        {
            await peers.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Who meets a workload. Without pooling all connections of the mesh have a handshake of their own; with it there is a pair without.
    /// </summary>
    public IEnumerable<IPeer> Meeting(Workload workload) => _peers.Where(peer => (workload.Name, peer.Name) switch
    {
        (Workload.Pooled, Mesh) => HasPooling,
        (Workload.Pooled, _) => false,
        (Workload.Handshake, Mesh) => !HasPooling,
        (Workload.Handshake, _) => true,
        (_, Unpooled) => false,
        _ => true,
    });

    /// <summary>Looks at a connection of each, and says which cipher suite it has.</summary>
    /// <exception cref="InvalidOperationException">It is not the one that was asked for.</exception>
    public async Task SaySuitesAsync(string? wanted, CancellationToken cancellationToken)
    {
        foreach (var peer in _peers)
        {
            if (peer.Tapped is { } way)
            {
                await using var tap = new SuiteTap(way.Tap, way.Inbound);
                using var load = await Task.Run(() => RequestLoad.Open(way.Entrance, 1), cancellationToken);
                var suite = (await tap.SuiteAsync(Patience)).ToString();
                Console.WriteLine($"{peer.Name}: {suite}");
                if (wanted is not null && suite != wanted)
                {
                    throw new InvalidOperationException($"{peer.Name} does not let OpenSSL's configuration choose: hold the others to {suite} with --suite.");
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers)
        {
            await peer.DisposeAsync();
        }
    }
}
