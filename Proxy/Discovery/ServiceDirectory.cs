using System.Collections.Concurrent;
using System.Net;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Discovery;

/// <summary>The endpoints of the services that this proxy was configured for, as last pushed. Known ones stay while nobody answers.</summary>
internal sealed partial class ServiceDirectory
{
    private readonly ConcurrentDictionary<string, Entry> _services;
    private readonly EndpointClock _clock;
    private readonly EndpointSet _none;
    private readonly ILogger<ServiceDirectory> _logger;

    public ServiceDirectory(IEnumerable<string> services, TimeProvider clock, ILogger<ServiceDirectory> logger)
    {
        (_clock, _logger) = (new EndpointClock(clock), logger);
        _none = new EndpointSet([], _clock);
        _services = new(services.Distinct().Select(name => KeyValuePair.Create(name, new Entry(0, _none))));
    }

    /// <summary>What is held, for a watch to resume from.</summary>
    public IEnumerable<ServiceVersion> Versions() =>
        _services.Select(service => new ServiceVersion { Name = service.Key, Version = service.Value.Version });

    /// <summary>
    /// Takes what was pushed. An endpoint that can't be read is left out: to reach it without its identity would be worse. One that was there
    /// before keeps what is known of it.
    /// </summary>
    public void Update(Service service)
    {
        if (!_services.TryGetValue(service.Name, out var before))
        {
            return;
        }

        var known = new Dictionary<(IPEndPoint, SpiffeId?), ServiceEndpoint>(before.Endpoints.Count);
        foreach (var endpoint in before.Endpoints.Endpoints)
        {
            known.TryAdd((endpoint.Address, endpoint.Identity), endpoint);
        }

        var endpoints = new List<ServiceEndpoint>(service.Endpoints.Count);
        foreach (var endpoint in service.Endpoints)
        {
            if (Read(endpoint) is { } read)
            {
                endpoints.Add(known.GetValueOrDefault(read) ?? new ServiceEndpoint(read.Address, read.Identity, _clock));
            }
            else
            {
                Log.EndpointLeftOut(_logger, service.Name, endpoint.Address, endpoint.SpiffeId);
            }
        }

        _services[service.Name] = new Entry(service.Version, new EndpointSet([.. endpoints], _clock));
        Log.Updated(_logger, service.Name, service.Version, endpoints.Count);
    }

    /// <summary>The endpoints of a service; none where it is not known.</summary>
    public EndpointSet Endpoints(string service) => _services.GetValueOrDefault(service)?.Endpoints ?? _none;

    private static (IPEndPoint Address, SpiffeId? Identity)? Read(Endpoint endpoint)
    {
        SpiffeId? identity = null;
        return IPEndPoint.TryParse(endpoint.Address, out var address) && address.Port != 0
            && (endpoint.SpiffeId.Length == 0 || SpiffeId.TryParse(endpoint.SpiffeId, out identity, out _))
            ? (address, identity)
            : null;
    }

    private sealed record Entry(long Version, EndpointSet Endpoints);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5501, Level = LogLevel.Information, Message = "Service {Service}, version {Version}, has {Count} endpoints")]
        public static partial void Updated(ILogger logger, string service, long version, int count);

        [LoggerMessage(EventId = 5502, Level = LogLevel.Warning, Message = "Left out an endpoint of {Service} that cannot be read: {Address} {SpiffeId}")]
        public static partial void EndpointLeftOut(ILogger logger, string service, string address, string spiffeId);
    }
}
