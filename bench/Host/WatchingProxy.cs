using Grpc.Core;
using Mesh.Bench.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Bench.Host;

/// <summary>What a proxy was told, and by whom.</summary>
internal sealed record Told(Uri ProxyHost, string SignedBundle);

/// <summary>
/// A proxy that holds its watch open by the rules of <c>Proxy/Session/WatchLoop.cs</c>: when it breaks, the next ProxyHost after a
/// wait that is drawn by chance and grows with each failure. It asks for everything each time, as one that has just started does.
/// </summary>
internal sealed class WatchingProxy : IAsyncDisposable
{
    private readonly IReadOnlyList<Uri> _proxyHosts;
    private readonly SvidCredential _credential;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _run;
    private int _position;
    private volatile Told? _told;

    /// <param name="first">Which of the ProxyHosts it begins with.</param>
    public WatchingProxy(IReadOnlyList<Uri> proxyHosts, int first, SvidCredential credential)
    {
        (_proxyHosts, _position, _credential) = (proxyHosts, first, credential);
        _run = RunAsync(_stopping.Token);
    }

    /// <summary>How often it had to try again.</summary>
    public int Failures { get; private set; }

    /// <summary>The bundle that came on the watch that is open; null while none is.</summary>
    public Told? Told => _told;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        await Task.Yield();
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(_proxyHosts[_position % _proxyHosts.Count], () => failures = 0, stopping);
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                // A call that is cancelled fails in its own way.
            }
            catch (Exception e) when (e is RpcException or IOException or HttpRequestException)
            {
                _position++;
                Failures++;
                var wait = RenewalSchedule.RetryIn(null, failures++, TimeProvider.System.GetUtcNow(), Random.Shared.NextDouble());
                await Task.Delay(wait, TimeProvider.System, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ReadAsync(Uri proxyHost, Action succeeded, CancellationToken stopping)
    {
        using var proxy = new BenchProxy(proxyHost, _credential);
        try
        {
            using var watch = proxy.Session.Watch(new WatchRequest(), cancellationToken: stopping);
            await foreach (var message in watch.ResponseStream.ReadAllAsync(stopping))
            {
                succeeded();
                if (message.SignedBundle.Length > 0)
                {
                    _told = new Told(proxyHost, message.SignedBundle);
                }
            }

            throw new IOException("The ProxyHost ended the watch.");
        }
        finally
        {
            _told = null;
        }
    }
}
