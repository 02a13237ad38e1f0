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

    public static string NextAddress() => $"127.0.0.1:{Next()}";
}
