using System.Collections.Concurrent;
using System.Net;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Discovery;

/// <summary>
/// The services that this proxy watches, and their endpoints as last pushed: those that it was configured for, and those that the application
/// has asked for by address, the least recently used of which make room for others. Known ones stay while nobody answers.
/// </summary>
internal sealed partial class ServiceDirectory
{
    /// <summary>Services at the most; a ProxyHost takes no more in one watch.</summary>
    public const int MaxServices = 256;

    // After a ProxyHost has refused to follow as many, no more than were left are watched for so long.
    private static readonly TimeSpan Modesty = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, KnownService> _services;
    private readonly EndpointSet _none;
    private readonly ILogger<ServiceDirectory> _logger;
    private readonly Lock _gate = new();
    private long _modestUntil;
    private TaskCompletionSource _wanted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServiceDirectory(IEnumerable<string> services, TimeProvider clock, ILogger<ServiceDirectory> logger)
    {
        (Clock, _logger) = (new EndpointClock(clock), logger);
        _none = new EndpointSet([], Clock);
        _services = new(services.Distinct().Select(name => KeyValuePair.Create(name, new KnownService(name, isConfigured: true, _none))));
    }

    /// <summary>What all endpoints are timed by.</summary>
    public EndpointClock Clock { get; }

    /// <summary>What is held, for a watch to resume from.</summary>
    public IEnumerable<ServiceVersion> Versions() =>
        _services.Select(service => new ServiceVersion { Name = service.Key, Version = service.Value.Version });

    /// <summary>Ends when a service has come that the watch does not know of.</summary>
    public Task WantsAnother => Volatile.Read(ref _wanted).Task;

    /// <summary>The endpoints of a service; none where it is not known.</summary>
    public EndpointSet Endpoints(string service) => _services.GetValueOrDefault(service)?.Endpoints ?? _none;

    /// <summary>Takes what was pushed. What nobody asked for is not kept.</summary>
    public void Update(Service pushed)
    {
        lock (_gate)
        {
            if (_services.TryGetValue(pushed.Name, out var service))
            {
                Set(service, pushed);
            }
        }
    }

    /// <summary>Takes a service that an address has turned out to be, and watches it from now on where there is room.</summary>
    /// <param name="found">As it was answered.</param>
    /// <param name="before">What the address was until now; kept where it is the same service.</param>
    /// <returns>Null where that is not the name of a service.</returns>
    public KnownService? Discovered(Service found, KnownService? before = null)
    {
        lock (_gate)
        {
            if (_services.TryGetValue(found.Name, out var known))
            {
                // What the watch has pushed meanwhile is not undone by an answer that is older.
                if (found.Version > known.Version)
                {
                    Set(known, found);
                }

                return known;
            }

            if (!HasPort(found.Name))
            {
                return null;
            }

            var service = before is { IsWatched: false } same && same.Name == found.Name ? same : new KnownService(found.Name, isConfigured: false, _none);
            Set(service, found);
            if (!HasRoom())
            {
                service.Unwatch();
                return service;
            }

            service.Watch();
            service.Use(Clock.Now);
            _services[found.Name] = service;
            Log.Discovered(_logger, found.Name);
            Interlocked.Exchange(ref _wanted, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            return service;
        }
    }

    /// <summary>Forgets half of the services that were not configured: the mesh does not follow as many for this workload. False: there are none.</summary>
    public bool ForgetHalf()
    {
        lock (_gate)
        {
            _modestUntil = Clock.Now + (long)Modesty.TotalMilliseconds;
            return Forget((_services.Count(service => !service.Value.IsConfigured) + 1) / 2);
        }
    }

    // The least recently used makes it, but not where the mesh has said that they are too many: it would say so again.
    private bool HasRoom() => Clock.Now >= _modestUntil && (_services.Count < MaxServices || Forget(_services.Count - MaxServices + 1));

    // The least recently used first.
    private bool Forget(int count)
    {
        var leaving = _services.Values.Where(service => !service.IsConfigured).OrderBy(service => service.LastUsed).Take(count).ToList();
        foreach (var service in leaving)
        {
            _services.TryRemove(service.Name, out _);
            service.Unwatch();
            Log.Forgotten(_logger, service.Name);
        }

        return leaving.Count > 0 && leaving.Count == count;
    }

    // An endpoint that was there before keeps what is known of it.
    private void Set(KnownService service, Service pushed)
    {
        var before = new Dictionary<(IPEndPoint, SpiffeId?), ServiceEndpoint>(service.Endpoints.Count);
        foreach (var endpoint in service.Endpoints.Endpoints)
        {
            before.TryAdd((endpoint.Address, endpoint.Identity), endpoint);
        }

        var endpoints = new List<ServiceEndpoint>(pushed.Endpoints.Count);
        foreach (var endpoint in pushed.Endpoints)
        {
            if (ServiceReader.Endpoint(endpoint) is { } read)
            {
                endpoints.Add(before.GetValueOrDefault(read) ?? new ServiceEndpoint(read.Address, read.Identity, Clock));
            }
            else
            {
                Log.EndpointLeftOut(_logger, pushed.Name, endpoint.Address, endpoint.SpiffeId);
            }
        }

        service.Set(pushed.Version, new EndpointSet([.. endpoints], Clock), ServiceReader.Addresses(pushed));
        Log.Updated(_logger, pushed.Name, pushed.Version, endpoints.Count);
    }

    private static bool HasPort(string name) => ushort.TryParse(name.AsSpan(name.LastIndexOf(':') + 1), out var port) && port != 0;

    private static partial class Log
    {
        [LoggerMessage(EventId = 5501, Level = LogLevel.Information, Message = "Service {Service}, version {Version}, has {Count} endpoints")]
        public static partial void Updated(ILogger logger, string service, long version, int count);

        [LoggerMessage(EventId = 5502, Level = LogLevel.Warning, Message = "Left out an endpoint of {Service} that cannot be read: {Address} {SpiffeId}")]
        public static partial void EndpointLeftOut(ILogger logger, string service, string address, string spiffeId);

        [LoggerMessage(EventId = 5503, Level = LogLevel.Information, Message = "Watches {Service}, which the application has asked for by address")]
        public static partial void Discovered(ILogger logger, string service);

        [LoggerMessage(EventId = 5504, Level = LogLevel.Information, Message = "Watches {Service} no more, to make room")]
        public static partial void Forgotten(ILogger logger, string service);
    }
}
