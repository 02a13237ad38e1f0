using System.Collections.Concurrent;
using System.Net.Sockets;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>An application in plain TCP that says back what it hears, and remembers it.</summary>
internal sealed class EchoApplication : IAsyncDisposable
{
    private readonly ConcurrentQueue<byte[]> _heard = new();
    private readonly LocalServer _server;

    public EchoApplication() => _server = new LocalServer(EchoAsync);

    public string Address => _server.Address.ToString();

    public int Port => _server.Address.Port;

    /// <summary>Everything that reached it, over all connections.</summary>
    public byte[] Heard => [.. _heard.SelectMany(piece => piece)];

    public int Connections { get; private set; }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task EchoAsync(Socket client, CancellationToken stopping)
    {
        Connections++;
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await client.ReceiveAsync(buffer, SocketFlags.None, stopping)) > 0)
            {
                _heard.Enqueue(buffer[..read]);
                await client.SendAsync(buffer.AsMemory(0, read), SocketFlags.None, stopping);
            }

            client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The client has gone, or the test is over.
        }
    }
}
