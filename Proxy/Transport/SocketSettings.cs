using System.Net.Sockets;

namespace Mesh.Proxy.Transport;

/// <summary>How every TCP connection of the proxy is set.</summary>
internal static class SocketSettings
{
    private const int IdleSeconds = 60;
    private const int IntervalSeconds = 10;
    private const int Probes = 6;

    /// <summary>
    /// Small writes leave at once; and where the other machine has vanished, an idle connection ends after two minutes instead of
    /// holding its place for ever.
    /// </summary>
    public static void UseMeshSettings(this Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, IdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, IntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }
}
