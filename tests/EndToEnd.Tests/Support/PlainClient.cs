using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>An application's connection to its own proxy.</summary>
internal sealed class PlainClient : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public static async Task<PlainClient> ConnectAsync(string address)
    {
        var client = new PlainClient();
        await client._socket.ConnectAsync(IPEndPoint.Parse(address)).WaitAsync(Limit);
        return client;
    }

    public Task SendAsync(string text) => _socket.SendAsync(Encoding.UTF8.GetBytes(text), SocketFlags.None).WaitAsync(Limit);

    public void Finish() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Exactly as many bytes as the text has.</summary>
    public async Task<string> ReceiveAsync(int bytes)
    {
        var buffer = new byte[bytes];
        for (var have = 0; have < bytes;)
        {
            var read = await _socket.ReceiveAsync(buffer.AsMemory(have)).AsTask().WaitAsync(Limit);
            if (read == 0)
            {
                throw new EndOfStreamException($"The connection ended after {have} of {bytes} bytes.");
            }

            have += read;
        }

        return Encoding.UTF8.GetString(buffer);
    }

    /// <summary>What comes until the other side is done.</summary>
    public async Task<string> ReceiveToEndAsync()
    {
        var all = new List<byte>();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await _socket.ReceiveAsync(buffer).WaitAsync(Limit)) > 0)
        {
            all.AddRange(buffer.AsSpan(0, read));
        }

        return Encoding.UTF8.GetString([.. all]);
    }

    /// <summary>One text there and back over a connection of its own; null where the connection was refused or broken.</summary>
    public static async Task<string?> TryEchoAsync(string address, string text)
    {
        try
        {
            using var client = await ConnectAsync(address);
            await client.SendAsync(text);
            return await client.ReceiveAsync(Encoding.UTF8.GetByteCount(text));
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return null;
        }
    }

    public void Dispose() => _socket.Dispose();
}
