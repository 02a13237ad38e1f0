using System.Net;
using System.Net.Sockets;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Whoever speaks to <see cref="TestApplication.Echo"/>.</summary>
internal static class EchoClient
{
    /// <summary>Connects, hears its word again, and ends.</summary>
    public static async Task EchoAsync(IPEndPoint address)
    {
        using var client = TestApplication.Connect(address);
        await SayAsync(client);
        await EndAsync(client);
    }

    /// <summary>Says a word and hears it again.</summary>
    public static async Task SayAsync(Socket client)
    {
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
    }

    /// <summary>Is done, and so is the other side.</summary>
    public static async Task EndAsync(Socket client)
    {
        client.Shutdown(SocketShutdown.Send);
        Assert.True((await Reception.ReadAsync(client)).EndedCleanly);
    }
}
