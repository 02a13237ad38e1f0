using Mesh.Proxy.V1;

namespace Mesh.Proxy.Policy;

/// <summary>
/// The ports of the application on which the proxy does not wait for the client's first word, since the server may speak first. Who comes is
/// authenticated on them as on any other: opaque is what is spoken, not who speaks.
/// </summary>
internal sealed class OpaquePorts
{
    /// <summary>Linkerd's list: SMTP, mail submission, MySQL, Galera, PostgreSQL, Redis, Elasticsearch, memcached.</summary>
    public static readonly OpaquePorts Default =
        new([.. ((int[])[25, 587, 3306, 4444, 5432, 6379, 9300, 11211]).Select(port => (port, port))]);

    /// <summary>Ranges that are read at the most.</summary>
    public const int MaxRanges = 64;

    private readonly (int First, int Last)[] _ranges;

    private OpaquePorts((int First, int Last)[] ranges) => _ranges = ranges;

    /// <summary>What a policy says; the default list where it says nothing. A range that is none is passed over.</summary>
    public static OpaquePorts Of(WorkloadPolicy? policy) => policy?.OpaquePorts is { } ports
        ? new OpaquePorts([.. ports.Ranges.Take(MaxRanges).Select(range => ((int)Math.Min(range.First, 65536), (int)Math.Min(range.Last, 65535)))])
        : Default;

    /// <param name="port">Of the application.</param>
    public bool Contains(int port)
    {
        foreach (var (first, last) in _ranges)
        {
            if (port >= first && port <= last)
            {
                return true;
            }
        }

        return false;
    }
}
