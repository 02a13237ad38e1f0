using System.Net.Sockets;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Support;

/// <summary>An application in plain TCP that says back what it hears.</summary>
internal sealed class EchoApplication : IAsyncDisposable
{
    private readonly LocalServer _server = new(EchoAsync);

    public string Address => _server.Address.ToString();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task EchoAsync(Socket client, CancellationToken stopping)
    {
        client.NoDelay = true;
        var buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await client.ReceiveAsync(buffer, SocketFlags.None, stopping)) > 0)
            {
                await client.SendAsync(buffer.AsMemory(0, read), SocketFlags.None, stopping);
            }

            client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The client has gone, or the run is over.
        }
    }
}
