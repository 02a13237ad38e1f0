using System.Net;
using System.Net.Sockets;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Both ends of one connection inside this process.</summary>
internal sealed class LoopbackPair : IDisposable
{
    private LoopbackPair(Socket client, Socket server) => (Client, Server) = (client, server);

    public Socket Client { get; }

    public Socket Server { get; }

    public int ServerDescriptor => (int)Server.Handle;

    /// <summary>A listener there; on <c>::</c> it takes IPv4 too.</summary>
    public static Socket Listen(IPAddress address)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            listener.DualMode = true;
        }

        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        return listener;
    }

    public static async Task<LoopbackPair> ConnectAsync(IPAddress listen, IPAddress connect)
    {
        using var listener = Listen(listen);
        var client = new Socket(connect.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (connect.AddressFamily == AddressFamily.InterNetworkV6)
        {
            client.DualMode = true;
        }

        await client.ConnectAsync(new IPEndPoint(connect, ((IPEndPoint)listener.LocalEndPoint!).Port), TestContext.Current.CancellationToken);
        return new LoopbackPair(client, await listener.AcceptAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }
}
