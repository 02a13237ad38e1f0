using Mesh.Bench.Support;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Host;

/// <summary>Proxies that all watch, each with an identity and a connection of its own.</summary>
internal sealed class Fleet(IReadOnlyList<SvidCredential> credentials) : IAsyncDisposable
{
    // As many as a ProxyHost takes calls at once on the one connection that they enroll over.
    private const int EnrollAtOnce = 8;

    // All at once is what happens when a ProxyHost ends, and is measured there.
    private const int ConnectAtOnce = 20;

    private readonly List<WatchingProxy> _proxies = [];

    /// <summary>So many certificates, each for a workload of its own.</summary>
    public static async Task<SvidCredential[]> EnrollAsync(BenchMesh mesh, Uri proxyHost, string name, int count)
    {
        using var connection = new BenchProxy(proxyHost, null);
        var credentials = new SvidCredential[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = EnrollAtOnce }, async (i, _) =>
            credentials[i] = await connection.EnrollAsync(await mesh.TokenAsync($"{name}-{i}")));
        return credentials;
    }

    /// <summary>How often proxies that are connected had to try again, all together.</summary>
    public int Failures => _proxies.Sum(proxy => proxy.Failures);

    /// <summary>Connects them, to the ProxyHosts in turn and so many at a time, and waits until each holds the bundle in force.</summary>
    public async Task ConnectAsync(params Uri[] proxyHosts)
    {
        var bundle = await BundleAsync(proxyHosts[0]);
        foreach (var some in credentials.Chunk(ConnectAtOnce))
        {
            foreach (var credential in some)
            {
                _proxies.Add(new WatchingProxy(proxyHosts, _proxies.Count, credential));
            }

            await Eventually.TrueAsync(() => _proxies.All(proxy => proxy.Told?.SignedBundle == bundle), $"{_proxies.Count} proxies watch");
        }
    }

    /// <summary>Ends one ProxyHost and measures how long it takes until all watch at the other and hold the bundle in force.</summary>
    public async Task<TimeSpan> KillAsync(BenchProxyHost one, Uri other)
    {
        var bundle = await BundleAsync(other);
        var killed = TimeProvider.System.GetTimestamp();
        await one.Process.KillAsync();
        await Eventually.TrueAsync(
            () => _proxies.All(proxy => proxy.Told is { } told && told.ProxyHost == other && told.SignedBundle == bundle),
            $"{_proxies.Count} proxies watch at {other}; {CountAt(other)} do");
        return TimeProvider.System.GetElapsedTime(killed);
    }

    public int CountAt(Uri proxyHost) => _proxies.Count(proxy => proxy.Told?.ProxyHost == proxyHost);

    public async Task DisconnectAsync()
    {
        await Task.WhenAll(_proxies.Select(proxy => proxy.DisposeAsync().AsTask()));
        _proxies.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await DisconnectAsync();
        foreach (var credential in credentials)
        {
            credential.Dispose();
        }
    }

    private static async Task<string> BundleAsync(Uri proxyHost)
    {
        using var connection = new BenchProxy(proxyHost, null);
        return (await connection.Enrollment.FetchBundleAsync(new Mesh.Proxy.V1.FetchBundleRequest())).SignedBundle;
    }
}
