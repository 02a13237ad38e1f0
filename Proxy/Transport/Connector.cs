using System.Net;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Transport;

/// <summary>Connects, within a time.</summary>
internal static class Connector
{
    /// <param name="from">The address that this end has; null: whichever the kernel takes.</param>
    /// <returns>The connection, or why there is none.</returns>
    public static async ValueTask<(LoopSocket? Socket, string? Failure)> ConnectAsync(EventLoop loop, IPEndPoint address, TimeSpan timeout, IPAddress? from = null)
    {
        if (LoopSocket.Connect(loop, address, from, out var error) is not { } socket)
        {
            return (null, $"{address}: {Errno.Describe(error)}");
        }

        socket.Limit(timeout);
        if (await socket.ConnectedAsync())
        {
            socket.LiftLimit();
            return (socket, null);
        }

        var failure = socket.IsLate ? $"{address} did not answer within {timeout.TotalSeconds} s"
            : $"{address}: {(socket.Error == 0 ? "the connection was closed" : Errno.Describe(socket.Error))}";
        socket.Dispose();
        return (null, failure);
    }
}
