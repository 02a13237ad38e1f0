using System.Net;
using System.Net.Sockets;

namespace Mesh.Tests.Processes;

/// <summary>Loopback ports that nobody listens on, none given out twice.</summary>
internal static class FreePorts
{
    private static readonly HashSet<int> Given = [];

    public static int Next()
    {
        lock (Given)
        {
            while (true)
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
                if (Given.Add(port))
                {
                    return port;
                }
            }
        }
    }

    /// <summary>The first of so many ports in a row.</summary>
    public static int NextRange(int count)
    {
        lock (Given)
        {
            while (true)
            {
                // Below the range from which the kernel draws ports for others.
                var first = Random.Shared.Next(15_000, 30_000);
                var range = Enumerable.Range(first, count).ToList();
                if (range.All(port => !Given.Contains(port) && IsFree(port)))
                {
                    Given.UnionWith(range);
                    return first;
                }
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static string NextAddress() => $"127.0.0.1:{Next()}";
}
