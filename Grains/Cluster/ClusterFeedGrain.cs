using Mesh.Grains.Interfaces.Cluster;
using Microsoft.Extensions.Hosting;
using Orleans.Concurrency;

namespace Mesh.Grains.Cluster;

/// <inheritdoc cref="IClusterFeed"/>
/// <remarks>On whichever silo is asked: each knows the cluster by itself, also while another one is dying.</remarks>
[GrainType("cluster-feed"), StatelessWorker]
internal sealed class ClusterFeedGrain(ClusterView view, IHostApplicationLifetime host) : Grain, IClusterFeed
{
    // Short: a poll that a killed silo held keeps the caller from hearing of just that.
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(2);

    // A look costs nothing, and catches what comes without a change of membership: a silo's metadata.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    public async Task<ClusterSnapshot?> PollAsync(long knownVersion, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, host.ApplicationStopping);
        for (var waited = TimeSpan.Zero; waited < Hold && !ended.IsCancellationRequested; waited += LookAgain)
        {
            if (view.Current() is { Gateways.Length: > 0 } current && current.Version != knownVersion)
            {
                return current;
            }

            await Task.Delay(LookAgain, TimeProvider.System, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        return null;
    }
}
