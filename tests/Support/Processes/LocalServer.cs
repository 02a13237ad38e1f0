using System.Net;
using System.Net.Sockets;

namespace Mesh.Tests.Processes;

/// <summary>A server in plain TCP on loopback that does with each connection what it is told, until it is disposed.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    /// <param name="serve">Does its part of a connection, which is closed when it returns. It throws nothing.</param>
    /// <param name="backlog">How many may wait to be accepted.</param>
    public LocalServer(Func<Socket, CancellationToken, Task> serve, int backlog = 100)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(backlog);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync(serve);
    }

    public IPEndPoint Address { get; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Func<Socket, CancellationToken, Task> serve)
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync(_stopping.Token), serve);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private async Task ServeAsync(Socket client, Func<Socket, CancellationToken, Task> serve)
    {
        using var owned = client;
        await serve(client, _stopping.Token);
    }
}
