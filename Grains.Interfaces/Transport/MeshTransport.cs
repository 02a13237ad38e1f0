using System.Net.Security;
using System.Security.Authentication;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>
/// Mutual TLS on Orleans' own ports. Orleans trusts whoever speaks its protocol, so only control-plane identities get that far,
/// and only in the role that the port is for.
/// </summary>
public sealed class MeshTransport(IControlPlaneIdentity identity, TransportInstruments instruments, ILogger<MeshTransport> logger)
{
    /// <summary>What is spoken at the port between silos.</summary>
    public static readonly SslApplicationProtocol SiloPort = new("mesh-orleans/silo");

    /// <summary>What is spoken at the gateway.</summary>
    public static readonly SslApplicationProtocol Gateway = new("mesh-orleans/gateway");

    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Raised when a server that this process connected to was refused: its issuer may be newer than the bundle held here.</summary>
    public event Action? ServerRefused;

    /// <summary>The port between silos, accepting side: silos alone.</summary>
    public void AcceptSilos(IConnectionBuilder connections) =>
        Use(connections, isServer: true, SiloPort, IdentityRole.Silo);

    /// <summary>The port between silos, opening side: the peer is a silo.</summary>
    public void ConnectToSilos(IConnectionBuilder connections) =>
        Use(connections, isServer: false, SiloPort, IdentityRole.Silo);

    /// <summary>The gateway, accepting side: ProxyHosts and silos.</summary>
    public void AcceptClients(IConnectionBuilder connections) =>
        Use(connections, isServer: true, Gateway, IdentityRole.ProxyHost, IdentityRole.Silo);

    /// <summary>The gateway, opening side: the peer is a silo.</summary>
    public void ConnectToGateways(IConnectionBuilder connections) =>
        Use(connections, isServer: false, Gateway, IdentityRole.Silo);

    private void Use(IConnectionBuilder connections, bool isServer, SslApplicationProtocol alpn, params IdentityRole[] roles) =>
        connections.Use(next => context => RunAsync(context, next, isServer, alpn, roles));

    private async Task RunAsync(ConnectionContext context, ConnectionDelegate next, bool isServer, SslApplicationProtocol alpn, IdentityRole[] roles)
    {
        var plain = context.Transport;
        await using var tls = new SslStream(new DuplexPipeStream(plain), leaveInnerStreamOpen: true);
        var refusal = await HandshakeAsync(tls, context, isServer, alpn, roles);
        if (refusal is not null)
        {
            instruments.Refused(alpn);
            Log.Refused(logger, alpn, context.RemoteEndPoint, refusal);
            context.Abort(new ConnectionAbortedException(refusal));
            return;
        }

        context.Transport = new StreamDuplexPipe(tls);
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = plain;
        }
    }

    // Null when the peer may come in, else why not.
    private async Task<string?> HandshakeAsync(
        SslStream tls, ConnectionContext context, bool isServer, SslApplicationProtocol alpn, IdentityRole[] roles)
    {
        string? verdict = null;
        SvidVerification Check(IReadOnlyList<ReadOnlyMemory<byte>> chain)
        {
            var verification = ControlPlanePeer.Check(identity, chain, roles);
            verdict = verification.IsValid ? null : verification.Detail;
            if (verdict is not null && !isServer)
            {
                ServerRefused?.Invoke();
            }

            return verification;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed);
        limit.CancelAfter(HandshakeTimeout);
        try
        {
            if (isServer)
            {
                await tls.AuthenticateAsServerAsync(SvidTls.Server(identity.Credential, Check, [alpn]), limit.Token);
            }
            else
            {
                await tls.AuthenticateAsClientAsync(SvidTls.Client(identity.Credential, "mesh", Check, [alpn]), limit.Token);
            }

            return tls.NegotiatedApplicationProtocol == alpn ? null : "The peer did not agree on the protocol of this port.";
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException)
        {
            return verdict ?? (e is OperationCanceledException ? $"No handshake within {HandshakeTimeout.TotalSeconds} s." : e.Message);
        }
    }

    private static class Log
    {
        private static readonly Action<ILogger, string, string?, string, Exception?> RefusedMessage = LoggerMessage.Define<string, string?, string>(
            LogLevel.Warning, new EventId(3901, nameof(Refused)), "Refused {Port} connection with {Peer}: {Reason}");

        public static void Refused(ILogger logger, SslApplicationProtocol port, System.Net.EndPoint? peer, string reason) =>
            RefusedMessage(logger, port.ToString(), peer?.ToString(), reason, null);
    }
}
