using System.Net;
using System.Net.Sockets;

namespace Mesh.Proxy.Transport;

/// <summary>Accepts connections on one address and hands each to a task of its own; at the limit, further ones wait in the kernel.</summary>
internal sealed class SocketListener : IDisposable
{
    private readonly Socket _socket;
    private readonly SemaphoreSlim _slots;
    private int _open;

    /// <exception cref="SocketException">The address can't be had; the message names it.</exception>
    public SocketListener(IPEndPoint address, int maxConnections)
    {
        _socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _slots = new SemaphoreSlim(maxConnections, maxConnections);
        try
        {
            _socket.Bind(address);
            _socket.Listen(512);
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new IOException($"Cannot listen on {address}: {e.Message}", e);
        }
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Connections that are being served.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Accepts until told to stop. Then new clients are refused at once: nobody would serve those who wait in the kernel.</summary>
    public async Task RunAsync(Func<Socket, Task> serve, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await _slots.WaitAsync(stopping);
                _ = ServeAsync(await AcceptAsync(stopping), serve);
            }
        }
        catch (OperationCanceledException)
        {
            _socket.Dispose();
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _slots.Dispose();
    }

    private async Task<Socket> AcceptAsync(CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                return await _socket.AcceptAsync(stopping);
            }
            catch (SocketException)
            {
                // Out of descriptors, or the client has gone already: the listener goes on.
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, stopping);
            }
        }
    }

    private async Task ServeAsync(Socket socket, Func<Socket, Task> serve)
    {
        Interlocked.Increment(ref _open);
        try
        {
            await serve(socket);
        }
        finally
        {
            socket.Dispose();
            Interlocked.Decrement(ref _open);
            _slots.Release();
        }
    }
}
