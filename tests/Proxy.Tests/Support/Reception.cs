using System.Net;
using System.Net.Sockets;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Everything that came over a socket, and whether it ended with FIN or with an error.</summary>
internal sealed record Reception(byte[] Bytes, bool EndedCleanly)
{
    public static async Task<Reception> ReadAsync(Socket socket, int chunk = 64 * 1024, Func<Task>? pause = null)
    {
        using var received = new MemoryStream();
        var buffer = new byte[chunk];
        try
        {
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, TestContext.Current.CancellationToken) is var read and > 0)
            {
                received.Write(buffer, 0, read);
                await (pause?.Invoke() ?? Task.CompletedTask);
            }

            return new Reception(received.ToArray(), EndedCleanly: true);
        }
        catch (SocketException)
        {
            return new Reception(received.ToArray(), EndedCleanly: false);
        }
    }

    /// <summary>Connects, says something, and reads to the end. A reset may come before it is said.</summary>
    public static async Task<Reception> OfAsync(IPEndPoint address, ReadOnlyMemory<byte> said = default)
    {
        try
        {
            using var socket = TestApplication.Connect(address);
            await TestApplication.SendAsync(socket, said);
            return await ReadAsync(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return new Reception([], EndedCleanly: false);
        }
    }

    public override string ToString() => $"{Bytes.Length} bytes, then {(EndedCleanly ? "a clean end" : "an error")}";
}
