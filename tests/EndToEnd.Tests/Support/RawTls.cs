using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A TLS client that speaks to a port directly and finds out whether it is let in.</summary>
internal static class RawTls
{
    /// <summary>Null where the server let the client in, else how it ended.</summary>
    /// <remarks>In TLS 1.3 a client learns that its certificate was refused only when it reads.</remarks>
    public static async Task<string?> TryAsync(string address, SvidCredential? credential, string alpn)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(address));
        await using var tls = new SslStream(new NetworkStream(socket));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            var options = SvidTls.Client(
                credential, "mesh", _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [new SslApplicationProtocol(alpn)]);
            await tls.AuthenticateAsClientAsync(options, limit.Token);
            // Whoever lets us in waits for us to speak; whoever doesn't ends the connection.
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1.5));
            return await tls.ReadAsync(new byte[1], patience.Token) == 0 ? "ended" : null;
        }
        catch (Exception e) when (e is IOException or AuthenticationException or SocketException)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!limit.IsCancellationRequested)
        {
            return null;
        }
    }
}
