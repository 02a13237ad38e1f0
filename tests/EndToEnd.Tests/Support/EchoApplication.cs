using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>An application in plain TCP that says back what it hears, and remembers it.</summary>
internal sealed class EchoApplication : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<byte[]> _heard = new();
    private readonly Task _accepting;

    public EchoApplication()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(100);
        Address = $"127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}";
        _accepting = AcceptAsync();
    }

    public string Address { get; }

    public int Port => IPEndPoint.Parse(Address).Port;

    /// <summary>Everything that reached it, over all connections.</summary>
    public byte[] Heard => [.. _heard.SelectMany(piece => piece)];

    public int Connections { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_stopping.Token);
                Connections++;
                _ = EchoAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task EchoAsync(Socket client)
    {
        using var owned = client;
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await client.ReceiveAsync(buffer, SocketFlags.None, _stopping.Token)) > 0)
            {
                _heard.Enqueue(buffer[..read]);
                await client.SendAsync(buffer.AsMemory(0, read), SocketFlags.None, _stopping.Token);
            }

            client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The client has gone, or the test is over.
        }
    }
}
