using System.Net.Security;
using System.Security.Authentication;
using Mesh.Proxy.Transport;

namespace Mesh.Proxy.Tests.Support;

/// <summary>ClientHellos as the platform's TLS really says them.</summary>
internal static class ClientHellos
{
    /// <summary>TLS's last word in plaintext, as whoever gives up before anything is encrypted says it: a warning, <c>close_notify</c>.</summary>
    public static readonly byte[] CloseNotify = [21, 3, 3, 0, 2, 1, 0];

    public static Task<byte[]> ForMeshAsync(string sni) => CaptureAsync(sni, MeshProtocol.Tcp);

    public static async Task<byte[]> CaptureAsync(string sni, params SslApplicationProtocol[] alpn)
    {
        var wire = new Wire();
        await using var tls = new SslStream(wire);
        await Assert.ThrowsAsync<IOException>(() => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = sni,
            ApplicationProtocols = [.. alpn],
            EnabledSslProtocols = SslProtocols.Tls13,
        }));
        return wire.Said.ToArray();
    }

    /// <summary>Hears what is said, and hangs up.</summary>
    private sealed class Wire : MemoryStream
    {
        public MemoryStream Said { get; } = new();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Said.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
    }
}
