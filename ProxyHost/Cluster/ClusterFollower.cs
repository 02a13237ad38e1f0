using System.Collections.Immutable;
using System.Globalization;
using Mesh.Grains.Interfaces.Cluster;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Relay;

namespace Mesh.ProxyHost.Cluster;

/// <summary>Keeps <see cref="KnownCluster"/> current by asking the silos themselves. When they change, everything else is asked anew.</summary>
internal sealed partial class ClusterFollower : BackgroundService
{
    // Longer than a silo holds a poll open, and no longer than it takes to find out that one is gone.
    private static readonly TimeSpan PollLimit = TimeSpan.FromSeconds(3);

    private readonly KnownCluster _cluster;
    private readonly MeshRelay _relay;
    private readonly ILogger<ClusterFollower> _logger;
    private readonly Feed<ClusterSnapshot> _feed;
    private readonly string _trustDomain;
    private int _failures;

    public ClusterFollower(
        IGrainFactory grains, KnownCluster cluster, MeshRelay relay, ProxyHostIdentity identity, TimeProvider clock,
        ILogger<ClusterFollower> logger)
    {
        (_cluster, _relay, _logger) = (cluster, relay, logger);
        _trustDomain = identity.Bundle.TrustDomain.Name;
        _feed = new Feed<ClusterSnapshot>(
            (known, cancel) => PollAsync(grains.GetGrain<IClusterFeed>(Key), known, cancel),
            snapshot => snapshot.Version, clock, logger, "cluster");
    }

    /// <summary>Asks anew for the silos and for everything else that is followed: a gateway was lost, and held polls with it.</summary>
    public void PollAgain()
    {
        _feed.PollAgain();
        _relay.PollAgain();
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

    // Orleans' client asks for one grain through one gateway for as long as the connection to it stands, also where a silo
    // has stopped without a word and would never answer. A grain that it was never asked for goes to the next gateway.
    private string Key => _failures == 0 ? _trustDomain : string.Create(CultureInfo.InvariantCulture, $"{_trustDomain}/{_failures}");

    private async Task<ClusterSnapshot?> PollAsync(IClusterFeed feed, long known, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(PollLimit);
        ClusterSnapshot? snapshot;
        try
        {
            snapshot = await feed.PollAsync(known, limit.Token);
        }
        catch when (!cancellationToken.IsCancellationRequested)
        {
            _failures++;
            throw;
        }

        if (snapshot is not null && _cluster.Use(snapshot.Gateways, snapshot.EnrollmentAddresses))
        {
            Log.Changed(_logger, snapshot.Gateways);
            _relay.PollAgain();
        }

        return snapshot;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3151, Level = LogLevel.Information, Message = "The silos' gateways are {Gateways}")]
        public static partial void Changed(ILogger logger, ImmutableArray<string> gateways);
    }
}
