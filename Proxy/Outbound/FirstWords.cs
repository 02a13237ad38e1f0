using Mesh.Proxy.Loops;
using Mesh.Proxy.Transport;

namespace Mesh.Proxy.Outbound;

/// <summary>What an application says first on a connection that is passed on as it is, so that TLS of its own is counted as such.</summary>
/// <remarks>
/// Nobody is kept waiting for it. Before either side has spoken there is nothing to carry, and the first word of either ends the look: a
/// server that speaks first is heard at once. The one thing that is held back is a part of a ClientHello, for a moment, and with a part
/// no server can begin.
/// </remarks>
internal static class FirstWords
{
    // No server is called so: all TLS is the application's own here.
    private const string Nobody = "";

    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(200);

    /// <returns>Null: the application has gone, or the server has spoken already.</returns>
    public static async ValueTask<Detection?> OfAsync(LoopSocket application, LoopSocket server)
    {
        if (server.IsReadable)
        {
            return null;
        }

        server.WhenReadable(application.StopWaiting);
        try
        {
            return await ProtocolDetector.DetectAsync(application, Nobody, Limit);
        }
        finally
        {
            server.ForgetReader();
        }
    }
}
