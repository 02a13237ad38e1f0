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

    public override string ToString() => $"{Bytes.Length} bytes, then {(EndedCleanly ? "a clean end" : "an error")}";
}
