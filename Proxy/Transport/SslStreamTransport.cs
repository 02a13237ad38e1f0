using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>The transport on the platform's own TLS.</summary>
/// <param name="check">Judges clients.</param>
/// <param name="detectTimeout">How long a client may take to say what it speaks.</param>
/// <param name="connectTimeout">How long a TCP connect may take.</param>
internal sealed class SslStreamTransport(PeerCheck check, TimeSpan detectTimeout, TimeSpan connectTimeout) : IMeshTransport
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);
    private static readonly SslApplicationProtocol[] Alpn = [MeshProtocol.Tcp];

    public async Task<OpenFailure?> ServeAsync(Socket client, SvidCredential credential, Func<Arrival, Decision> decide, CancellationToken cancellationToken)
    {
        using var owned = client;
        client.UseMeshSettings();
        Detection detection;
        try
        {
            detection = await ProtocolDetector.DetectAsync(client, credential.Svid.Id.DnsName, detectTimeout, cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            return null;
        }

        if (detection.Kind != ArrivalKind.Mesh)
        {
            var arrival = new Arrival(detection.Kind, RemoteOf(client), null, null, detection.LooksLikeHttp);
            return await CarryInAsync(new PlainEnd(client, detection.ReadAhead), decide(arrival), cancellationToken);
        }

        var peer = new PeerStream(client, detection.ReadAhead);
        await using var tls = new SslStream(peer, leaveInnerStreamOpen: true);
        SvidVerification? verdict = null;
        var failure = await HandshakeAsync(
            limit => tls.AuthenticateAsServerAsync(SvidTls.Server(credential, chain => verdict = check(chain), Alpn), limit), cancellationToken);
        var decision = decide(new Arrival(
            ArrivalKind.Mesh, RemoteOf(client), verdict, failure, LooksLikeHttp: false));
        return await CarryInAsync(new TlsEnd(client, peer, tls), decision, cancellationToken);
    }

    public async Task<OpenFailure?> ForwardAsync(Socket application, OutboundTarget target, CancellationToken cancellationToken)
    {
        var server = new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        server.UseMeshSettings();
        try
        {
            if (await ConnectAsync(server, target.Address, cancellationToken) is { } unreachable)
            {
                server.Dispose();
                return new OpenFailure("connect", unreachable);
            }

            if (target.Credential is null)
            {
                await CarryOutAsync(application, new PlainEnd(server), target, cancellationToken);
                return null;
            }

            var peer = new PeerStream(server, default);
            var tls = new SslStream(peer, leaveInnerStreamOpen: true);
            SvidVerification? verdict = null;
            var failure = await HandshakeAsync(
                limit => tls.AuthenticateAsClientAsync(
                    SvidTls.Client(target.Credential, target.ServerName, chain => verdict = target.Check(chain), Alpn), limit),
                cancellationToken);
            failure = verdict is { IsValid: false } ? verdict.Detail : failure;
            if (failure is not null)
            {
                await tls.DisposeAsync();
                server.Dispose();
                return new OpenFailure(verdict is { IsValid: false } ? verdict.Rejection.ToString() : "handshake", failure);
            }

            await CarryOutAsync(application, new TlsEnd(server, peer, tls), target, cancellationToken);
            return null;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private async Task<OpenFailure?> CarryInAsync(ConnectionEnd client, Decision decision, CancellationToken cancellationToken)
    {
        using var opener = client;
        if (decision.Target is not { } address)
        {
            client.Abort();
            return null;
        }

        using var application = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        application.UseMeshSettings();
        if (await ConnectAsync(application, address, cancellationToken) is { } unreachable)
        {
            client.Abort();
            return new OpenFailure("connect", unreachable);
        }

        using var acceptor = new PlainEnd(application);
        using var registration = decision.Connection?.Invoke(() => EndBoth(opener, acceptor));
        await CountAsync(opener, acceptor, decision.Edge, cancellationToken);
        return null;
    }

    private static async Task CarryOutAsync(Socket application, ConnectionEnd server, OutboundTarget target, CancellationToken cancellationToken)
    {
        using var opener = new PlainEnd(application);
        using var acceptor = server;
        using var registration = target.Opened(() => EndBoth(opener, acceptor));
        await CountAsync(opener, acceptor, target.Edge, cancellationToken);
    }

    private static async Task CountAsync(ConnectionEnd opener, ConnectionEnd acceptor, Metrics.EdgeCounters edge, CancellationToken cancellationToken)
    {
        edge.Opened();
        var cleanly = false;
        try
        {
            cleanly = await ConnectionPump.RunAsync(opener, acceptor, edge, cancellationToken);
        }
        finally
        {
            edge.Closed(cleanly);
        }
    }

    private static void EndBoth(ConnectionEnd one, ConnectionEnd other)
    {
        one.Abort();
        other.Abort();
    }

    // Null when the handshake succeeded, else why not.
    private static async Task<string?> HandshakeAsync(Func<CancellationToken, Task> handshake, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(HandshakeTimeout);
        try
        {
            await handshake(limit.Token);
            return null;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or SocketException or OperationCanceledException)
        {
            return e is OperationCanceledException ? $"no handshake within {HandshakeTimeout.TotalSeconds} s" : (e.InnerException ?? e).Message;
        }
    }

    private async Task<string?> ConnectAsync(Socket socket, IPEndPoint address, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(connectTimeout);
        try
        {
            await socket.ConnectAsync(address, limit.Token);
            return null;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return e is OperationCanceledException ? $"{address} did not answer within {connectTimeout.TotalSeconds} s" : $"{address}: {e.Message}";
        }
    }

    private static EndPoint? RemoteOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
