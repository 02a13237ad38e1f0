using System.Net;
using Mesh.Proxy.Interception;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Policy;

/// <summary>
/// The ports of the application on which the proxy does not wait for the client's first word, since the server may speak first. Who comes is
/// authenticated on them as on any other: opaque is what is spoken, not who speaks.
/// </summary>
internal sealed class OpaquePorts
{
    /// <summary>Linkerd's list: SMTP, mail submission, MySQL, Galera, PostgreSQL, Redis, Elasticsearch, memcached.</summary>
    public static readonly OpaquePorts Default = new(NumberRanges.Of(25, 587, 3306, 4444, 5432, 6379, 9300, 11211));

    /// <summary>Ranges that are read at the most.</summary>
    public const int MaxRanges = 64;

    private readonly NumberRanges _ports;

    private OpaquePorts(NumberRanges ports) => _ports = ports;

    /// <summary>What a policy says; the default list where it says nothing. A range that is none is passed over.</summary>
    public static OpaquePorts Of(WorkloadPolicy? policy) => policy?.OpaquePorts is { } ports
        ? new OpaquePorts(NumberRanges.Of(ports.Ranges.Take(MaxRanges)
            .Where(range => range.First <= range.Last && range.First <= IPEndPoint.MaxPort)
            .Select(range => (range.First, Math.Min(range.Last, IPEndPoint.MaxPort)))))
        : Default;

    /// <param name="port">Of the application.</param>
    public bool Contains(int port) => _ports.Contains((uint)port);
}
