using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Proxy.Tests.Support;

/// <summary>An application without TLS: a server on loopback that does with each connection what a test tells it.</summary>
internal sealed class TestApplication : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Func<Socket, Task> _serve;
    private readonly Task _accepting;
    private int _accepted;

    public TestApplication(Func<Socket, Task> serve, IPEndPoint? address = null)
    {
        _serve = serve;
        _listener.Bind(address ?? new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    /// <summary>How many connections it has seen: none, where a proxy has refused them.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Gives back what it receives, and ends when the client has.</summary>
    public static TestApplication Echo() => new(async socket =>
    {
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer, SocketFlags.None) is var read and > 0)
        {
            await SendAsync(socket, buffer.AsMemory(0, read));
        }

        socket.Shutdown(SocketShutdown.Send);
    });

    /// <summary>Reads to the end and says nothing; what came is in the second value.</summary>
    public static (TestApplication Application, Task<Reception> Received) Reader()
    {
        var received = new TaskCompletionSource<Reception>(TaskCreationOptions.RunContinuationsAsynchronously);
        return (new TestApplication(async socket => received.TrySetResult(await Reception.ReadAsync(socket))), received.Task);
    }

    public static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
        }
    }

    /// <remarks>Not asynchronously: that fails where the other side has accepted and reset before anyone looked.</remarks>
    public static Socket Connect(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(address);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync();
                Interlocked.Increment(ref _accepted);
                _sockets.Add(socket);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await _serve(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The proxy has ended the connection.
        }

        socket.Dispose();
    }
}
