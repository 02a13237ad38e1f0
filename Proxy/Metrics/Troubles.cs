using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Metrics;

/// <summary>What goes wrong with connections of one direction and is no peer's doing: the machine is short of something, or the program is wrong.</summary>
/// <param name="direction">As it is counted: <c>inbound</c>, <c>outbound</c>.</param>
/// <param name="clock">Says when there may be a further line.</param>
internal sealed partial class Troubles(string direction, RefusalCounters refusals, TimeProvider clock, ILogger<Troubles> logger)
{
    /// <summary>Why a connection is refused for which there is no descriptor or no memory, in <c>mesh_proxy_refused_total</c>.</summary>
    public const string Shortage = "shortage";

    // Whoever is short of descriptors is so for each connection, and the log is not to fill the disk as well.
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private DateTimeOffset _quietUntil = DateTimeOffset.MinValue;
    private long _leftOut;

    /// <summary>There is no descriptor or no memory for a connection: counted each time, logged once a minute.</summary>
    /// <param name="detail">One sentence, for the log.</param>
    public void Short(string detail)
    {
        refusals.Add(direction, Shortage);
        long leftOut;
        lock (_gate)
        {
            if (clock.GetUtcNow() < _quietUntil)
            {
                _leftOut++;
                return;
            }

            (leftOut, _leftOut, _quietUntil) = (_leftOut, 0, clock.GetUtcNow() + Quiet);
        }

        Log.Short(logger, direction, detail, leftOut);
    }

    /// <summary>One connection's fault ends that connection, and is never lost.</summary>
    public void Fault(Exception fault) => Log.Fault(logger, direction, fault);

    private static partial class Log
    {
        [LoggerMessage(
            EventId = 5003, Level = LogLevel.Error,
            Message = "Short of descriptors or memory, {Direction}: {Detail}. Raise the process's limit (ulimit -n) or lower Proxy:MaxConnections ({LeftOut} lines about it were left out)")]
        public static partial void Short(ILogger logger, string direction, string detail, long leftOut);

        [LoggerMessage(EventId = 5002, Level = LogLevel.Error, Message = "A connection failed in a way that nobody foresaw ({Direction})")]
        public static partial void Fault(ILogger logger, string direction, Exception fault);
    }
}
