using System.Collections.Concurrent;
using System.Net;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Discovery;

/// <summary>The endpoints of the services that this proxy was configured for, as last pushed. Known ones stay while nobody answers.</summary>
internal sealed partial class ServiceDirectory(IEnumerable<string> services, ILogger<ServiceDirectory> logger)
{
    private readonly ConcurrentDictionary<string, Entry> _services =
        new(services.Distinct().Select(name => KeyValuePair.Create(name, new Entry(0, []))));

    /// <summary>What is held, for a watch to resume from.</summary>
    public IEnumerable<ServiceVersion> Versions() =>
        _services.Select(service => new ServiceVersion { Name = service.Key, Version = service.Value.Version });

    /// <summary>Takes what was pushed. An endpoint that can't be read is left out: to reach it without its identity would be worse.</summary>
    public void Update(Service service)
    {
        if (!_services.ContainsKey(service.Name))
        {
            return;
        }

        var endpoints = new List<ServiceEndpoint>();
        foreach (var endpoint in service.Endpoints)
        {
            if (Read(endpoint) is { } read)
            {
                endpoints.Add(read);
            }
            else
            {
                Log.EndpointLeftOut(logger, service.Name, endpoint.Address, endpoint.SpiffeId);
            }
        }

        _services[service.Name] = new Entry(service.Version, endpoints);
        Log.Updated(logger, service.Name, service.Version, endpoints.Count);
    }

    /// <summary>The endpoints of a service, the least busy of two drawn at random first.</summary>
    public IReadOnlyList<ServiceEndpoint> Candidates(string service)
    {
        var endpoints = _services.GetValueOrDefault(service)?.Endpoints ?? [];
        if (endpoints.Count < 2)
        {
            return endpoints;
        }

        var first = Random.Shared.Next(endpoints.Count);
        var second = (first + 1 + Random.Shared.Next(endpoints.Count - 1)) % endpoints.Count;
        if (endpoints[second].Open < endpoints[first].Open)
        {
            (first, second) = (second, first);
        }

        return [endpoints[first], endpoints[second], .. endpoints.Where((_, index) => index != first && index != second)];
    }

    private static ServiceEndpoint? Read(Endpoint endpoint)
    {
        SpiffeId? identity = null;
        return IPEndPoint.TryParse(endpoint.Address, out var address) && address.Port != 0
            && (endpoint.SpiffeId.Length == 0 || SpiffeId.TryParse(endpoint.SpiffeId, out identity, out _))
            ? new ServiceEndpoint(address, identity)
            : null;
    }

    private sealed record Entry(long Version, IReadOnlyList<ServiceEndpoint> Endpoints);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5501, Level = LogLevel.Information, Message = "Service {Service}, version {Version}, has {Count} endpoints")]
        public static partial void Updated(ILogger logger, string service, long version, int count);

        [LoggerMessage(EventId = 5502, Level = LogLevel.Warning, Message = "Left out an endpoint of {Service} that cannot be read: {Address} {SpiffeId}")]
        public static partial void EndpointLeftOut(ILogger logger, string service, string address, string spiffeId);
    }
}

/// <summary>One endpoint and how busy it is.</summary>
/// <param name="address">The inbound proxy, or the application where it is not meshed.</param>
/// <param name="identity">Who must answer there; null where it is not meshed.</param>
internal sealed class ServiceEndpoint(IPEndPoint address, SpiffeId? identity)
{
    private int _open;

    public IPEndPoint Address => address;

    public SpiffeId? Identity => identity;

    public int Open => Volatile.Read(ref _open);

    public void Opened() => Interlocked.Increment(ref _open);

    public void Closed() => Interlocked.Decrement(ref _open);
}
