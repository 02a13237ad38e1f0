using Mesh.Proxy.Metrics;

namespace Mesh.Proxy.Transport;

/// <summary>Carries a connection, or a stream, and counts it.</summary>
internal static class Carriage
{
    /// <returns>Whether both sides said that they were done.</returns>
    public static async Task<bool> RunAsync(ConnectionEnd opener, ConnectionEnd acceptor, EdgeCounters edge)
    {
        edge.Opened();
        var cleanly = false;
        try
        {
            cleanly = await ConnectionPump.RunAsync(opener, acceptor, edge);
            return cleanly;
        }
        finally
        {
            edge.Closed(cleanly);
        }
    }
}

/// <summary>What ends both ends of a connection, from any thread.</summary>
internal static class ConnectionAbort
{
    public static Action Of(ConnectionEnd one, ConnectionEnd other) => () => one.Socket.Loop.Post(() =>
    {
        one.Abort();
        other.Abort();
    });
}
