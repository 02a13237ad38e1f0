using System.Net;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Transport;

/// <summary>Connects, within a time.</summary>
internal static class Connector
{
    /// <param name="from">The address that this end has; null: whichever the kernel takes.</param>
    /// <returns>The connection, or why there is none.</returns>
    public static async ValueTask<(LoopSocket? Socket, OpenFailure? Failure)> ConnectAsync(EventLoop loop, IPEndPoint address, TimeSpan timeout, IPAddress? from = null)
    {
        if (LoopSocket.Connect(loop, address, from, out var error) is not { } socket)
        {
            return (null, Failed(address, error));
        }

        socket.Limit(timeout);
        if (await socket.ConnectedAsync())
        {
            socket.LiftLimit();
            return (socket, null);
        }

        var failure = socket.IsLate ? new OpenFailure("connect", $"{address} did not answer within {timeout.TotalSeconds} s")
            : socket.Error == 0 ? new OpenFailure("connect", $"{address}: the connection was closed")
            : Failed(address, socket.Error);
        socket.Dispose();
        return (null, failure);
    }

    // What this machine is short of says nothing about whoever is there.
    private static OpenFailure Failed(IPEndPoint address, int error) =>
        new(Errno.IsShortage(error) ? Troubles.Shortage : "connect", $"{address}: {Errno.Describe(error)}");
}
