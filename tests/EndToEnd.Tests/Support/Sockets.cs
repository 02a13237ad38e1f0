using System.Net;
using System.Net.Sockets;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Plain TCP from an address of the test's choice: all of 127.0.0.0/8 is this machine, and each counts as a host of its own.</summary>
internal static class Sockets
{
    public static Task<Socket> ConnectAsync(Uri server, IPAddress? from, CancellationToken cancellationToken = default) =>
        ConnectAsync(new DnsEndPoint(server.Host, server.Port), from, cancellationToken);

    public static async Task<Socket> ConnectAsync(DnsEndPoint server, IPAddress? from, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null)
            {
                socket.Bind(new IPEndPoint(from, 0));
            }

            await socket.ConnectAsync(IPAddress.Parse(server.Host), server.Port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether the other side has ended it. A connection on which nothing was said is silent until then.</summary>
    public static bool HasEnded(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead) && socket.Receive(new byte[1], SocketFlags.Peek) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
