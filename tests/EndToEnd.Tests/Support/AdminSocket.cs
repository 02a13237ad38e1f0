using System.Net.Sockets;
using Grpc.Net.Client;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A silo's admin API over its unix socket, as the CLI uses it.</summary>
internal static class AdminSocket
{
    /// <summary>A channel that connects to whichever silo holds the socket now.</summary>
    public static GrpcChannel Open(string path)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }

                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }
}
