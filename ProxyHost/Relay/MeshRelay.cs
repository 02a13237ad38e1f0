using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.ProxyHost.Enrollment;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Relay;

/// <summary>What this ProxyHost follows on behalf of its proxies: one bundle, and the policies and services that they want.</summary>
internal sealed partial class MeshRelay : IDisposable
{
    private readonly ProxyHostIdentity _identity;
    private readonly ILogger<MeshRelay> _logger;
    private readonly Feed<TrustSnapshot> _trust;

    public MeshRelay(IGrainFactory grains, ProxyHostIdentity identity, TimeProvider clock, ILogger<MeshRelay> logger)
    {
        (_identity, _logger) = (identity, logger);
        var trustDomain = identity.Bundle.TrustDomain.Name;
        _trust = new Feed<TrustSnapshot>(
            (known, cancel) => PollTrustAsync(grains.GetGrain<ITrustFeed>(trustDomain), known, cancel),
            snapshot => snapshot.Sequence, clock, logger, trustDomain);
        Policies = new(ns => new Feed<PolicySnapshot>(
            (known, cancel) => grains.GetGrain<IPolicyFeed>(ns).PollAsync(known, cancel),
            snapshot => snapshot.Version, clock, logger, ns));
        Services = new(service => new Feed<ServiceSnapshot>(
            (known, cancel) => grains.GetGrain<IServiceFeed>(service).PollAsync(known, cancel),
            snapshot => snapshot.Version, clock, logger, service));
    }

    /// <summary>Policies by namespace.</summary>
    public FeedRegistry<PolicySnapshot> Policies { get; }

    /// <summary>Services by name.</summary>
    public FeedRegistry<ServiceSnapshot> Services { get; }

    /// <summary>Whether the silos have answered since this process started.</summary>
    public bool IsConnected => _trust.Read().Value is not null;

    /// <summary>The bundle in force, and a task that ends when there is a newer one.</summary>
    public (SignedBundle Bundle, Task Changed) ReadTrust()
    {
        var (_, changed) = _trust.Read();
        return (_identity.Bundles.Held!, changed);
    }

    /// <summary>Asks anew for everything that is followed: the silo that was asked may be gone.</summary>
    public void PollAgain()
    {
        _trust.PollAgain();
        Policies.PollAgain();
        Services.PollAgain();
    }

    /// <summary>Follows the trust domain until disposed.</summary>
    public Task RunAsync() => _trust.RunAsync();

    public void Dispose()
    {
        _trust.Dispose();
        Policies.Dispose();
        Services.Dispose();
    }

    // A bundle is verified before it is in force here or handed on; one that may not follow the last is never seen by a proxy.
    private async Task<TrustSnapshot?> PollTrustAsync(ITrustFeed feed, long known, CancellationToken cancellationToken)
    {
        var snapshot = await feed.PollAsync(known, cancellationToken);
        if (snapshot is not null && _identity.Bundles.IsForgottenBy(SignedBundle.Parse(snapshot.SignedBundle).Bundle))
        {
            snapshot = await OfferAsync(feed, snapshot);
        }

        if (snapshot is not null && _identity.Bundles.Accept(snapshot.SignedBundle))
        {
            Log.BundleAccepted(_logger, snapshot.Sequence, snapshot.Epoch);
        }

        return snapshot;
    }

    // Where the silos do not want it, the rules of succession say whether theirs may follow none the less.
    private async Task<TrustSnapshot> OfferAsync(ITrustFeed feed, TrustSnapshot snapshot)
    {
        var held = _identity.Bundles.Held!;
        try
        {
            var learned = await feed.OfferAsync(held.Jws);
            Log.BundleOffered(_logger, held.Bundle.Sequence, learned.Sequence);
            return learned;
        }
        catch (MeshException refusal)
        {
            Log.OfferRefused(_logger, held.Bundle.Sequence, refusal.Message);
            return snapshot;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3103, Level = LogLevel.Warning, Message = "The silos were restored and had forgotten trust bundle {Held}, which was held here; {Sequence} knows it again")]
        public static partial void BundleOffered(ILogger logger, long held, long sequence);

        [LoggerMessage(EventId = 3104, Level = LogLevel.Error, Message = "The silos were restored, have forgotten trust bundle {Held}, and do not take it back: {Reason}")]
        public static partial void OfferRefused(ILogger logger, long held, string reason);

        [LoggerMessage(EventId = 3102, Level = LogLevel.Information, Message = "Accepted trust bundle {Sequence}, epoch {Epoch}")]
        public static partial void BundleAccepted(ILogger logger, long sequence, long epoch);
    }
}
