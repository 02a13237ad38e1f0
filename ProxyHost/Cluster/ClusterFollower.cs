using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Cluster;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Relay;

namespace Mesh.ProxyHost.Cluster;

/// <summary>Keeps <see cref="KnownCluster"/> current by asking the silos themselves.</summary>
internal sealed partial class ClusterFollower : BackgroundService
{
    private readonly KnownCluster _cluster;
    private readonly ILogger<ClusterFollower> _logger;
    private readonly Feed<ClusterSnapshot> _feed;

    public ClusterFollower(
        IGrainFactory grains, KnownCluster cluster, ProxyHostIdentity identity, TimeProvider clock, ILogger<ClusterFollower> logger)
    {
        (_cluster, _logger) = (cluster, logger);
        var trustDomain = identity.Bundle.TrustDomain.Name;
        _feed = new Feed<ClusterSnapshot>(
            (known, cancel) => PollAsync(grains.GetGrain<IClusterFeed>(trustDomain), known, cancel),
            snapshot => snapshot.Version, clock, logger, "cluster");
    }

    public override void Dispose()
    {
        _feed.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stop = stoppingToken.Register(_feed.Dispose);
        await _feed.RunAsync();
    }

    private async Task<ClusterSnapshot?> PollAsync(IClusterFeed feed, long known, CancellationToken cancellationToken)
    {
        var snapshot = await feed.PollAsync(known, cancellationToken);
        if (snapshot is not null && _cluster.Use(snapshot.Gateways, snapshot.EnrollmentAddresses))
        {
            Log.Changed(_logger, snapshot.Gateways);
        }

        return snapshot;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3151, Level = LogLevel.Information, Message = "The silos' gateways are {Gateways}")]
        public static partial void Changed(ILogger logger, ImmutableArray<string> gateways);
    }
}
