using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A peer that speaks the mesh's TLS and is no proxy of ours: it shows what a test gives it and takes whatever it is shown.</summary>
internal static class RawPeer
{
    private static readonly SslApplicationProtocol[] Alpn = [MeshProtocol.Tcp];

    /// <summary>A client's TLS options, for a test to change.</summary>
    public static SslClientAuthenticationOptions ClientOptions(SvidCredential? shown, string sni) =>
        SvidTls.Client(shown, sni, TakeAnyone, Alpn);

    /// <summary>Connects, says something and waits for the end.</summary>
    /// <returns>What came back; null where the connection ended with an error, be it in the handshake or after it.</returns>
    public static async Task<byte[]?> CallAsync(IPEndPoint address, SslClientAuthenticationOptions options)
    {
        using var socket = TestApplication.Connect(address);
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
            await tls.WriteAsync("hello"u8.ToArray(), TestContext.Current.CancellationToken);
            await tls.ShutdownAsync();
            using var received = new MemoryStream();
            await tls.CopyToAsync(received, TestContext.Current.CancellationToken);
            return received.ToArray();
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            return null;
        }
    }

    /// <summary>A server at any name, with a chance to hear what it must not hear.</summary>
    public static (TestApplication Server, Task<ServerView> View) Server(SvidCredential shown)
    {
        var view = new TaskCompletionSource<ServerView>(TaskCreationOptions.RunContinuationsAsynchronously);
        return (new TestApplication(async socket =>
        {
            await using var tls = new SslStream(new NetworkStream(socket));
            try
            {
                await tls.AuthenticateAsServerAsync(SvidTls.Server(shown, TakeAnyone, Alpn));
                var count = await tls.ReadAsync(new byte[16]);
                view.TrySetResult(new ServerView(tls.TargetHostName, tls.NegotiatedApplicationProtocol, tls.SslProtocol, count));
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                view.TrySetResult(new ServerView("", default, default, 0));
            }
        }), view.Task);
    }

    private static SvidVerification TakeAnyone(IReadOnlyList<ReadOnlyMemory<byte>> chain) =>
        new(SvidRejection.None, null, "Anyone will do.", DateTimeOffset.MaxValue);
}

/// <summary>What a server learned of its client.</summary>
internal sealed record ServerView(string Sni, SslApplicationProtocol Alpn, SslProtocols Protocol, int BytesHeard);
