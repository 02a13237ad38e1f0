using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A TCP connection: one side an ordinary socket, the other on an event loop of its own.</summary>
internal sealed class LoopConnection : IDisposable
{
    private LoopConnection(EventLoop loop, Socket client, LoopSocket server) => (Loop, Client, Server) = (loop, client, server);

    public EventLoop Loop { get; }

    public Socket Client { get; }

    public LoopSocket Server { get; }

    public static async Task<LoopConnection> OpenAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = TestApplication.Connect((IPEndPoint)listener.LocalEndPoint!);
        var loop = new EventLoop(0);
        var descriptor = Libc.Accept((int)listener.Handle, 0, 0, Libc.SockNonBlock | Libc.SockCloseOnExec);
        return new LoopConnection(loop, client, await RunAsync(loop, () => ValueTask.FromResult(LoopSocket.Accepted(loop, descriptor))));
    }

    /// <summary>Runs something on the loop's thread.</summary>
    public Task<T> RunAsync<T>(Func<ValueTask<T>> action) => RunAsync(Loop, action);

    public static Task<T> RunAsync<T>(EventLoop loop, Func<ValueTask<T>> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(async () =>
        {
            try
            {
                done.SetResult(await action());
            }
            catch (Exception fault)
            {
                done.SetException(fault);
            }
        });
        return done.Task;
    }

    public void Dispose()
    {
        Client.Dispose();
        Loop.Dispose();
    }
}
