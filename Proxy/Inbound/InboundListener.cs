using Mesh.Proxy.Hosting;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Policy;
using Mesh.Proxy.Streams;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Inbound;

/// <summary>From the mesh to one port of the application: who comes is verified, then authorized, before the application hears of it.</summary>
internal sealed partial class InboundListener(
    InboundOptions options,
    WorkloadIdentity identity,
    InboundTransport transport,
    TimeSpan detectTimeout,
    LiveConnections live,
    EdgeBook edges,
    RefusalCounters refusals,
    ILogger<InboundListener> logger)
{
    private const string DirectionWord = "inbound";

    public async Task ServeAsync(LoopSocket client)
    {
        if (identity is not { IsReady: true, Credential: { } credential })
        {
            // Nothing passes before certificate, bundle and policy are there, nor when the trust lease has ended.
            refusals.Add(DirectionWord, identity.NotReadyReason);
            client.Abort();
            return;
        }

        Decision? decision = null;
        if (await transport.ServeAsync(client, credential, detectTimeout, arrival => decision = Decide(arrival)) is { } failure)
        {
            refusals.Add(DirectionWord, failure.Reason);
            decision?.Edge.Refused();
            Log.ApplicationNotReached(logger, failure.Detail);
        }
    }

    private Decision Decide(Arrival arrival) => arrival.Kind == ArrivalKind.Mesh ? DecideMesh(arrival) : DecideUnauthenticated(arrival);

    private Decision DecideMesh(Arrival arrival)
    {
        if (arrival.Client is not { IsValid: true, Svid: { } client })
        {
            var reason = arrival.Client?.Rejection.ToString() ?? "handshake";
            return Refuse(
                arrival, reason, arrival.Client?.Detail ?? arrival.Detail ?? "the handshake failed",
                Key(EdgeKind.Ingress, "", "no_identity", "no_tls_from_remote", "TLSv1.3"),
                arrival.Client?.Rejection == SvidRejection.Revoked ? RefusalCode.Revoked : RefusalCode.Policy);
        }

        var key = Key(EdgeKind.Application, client.Id.ToString(), "true", "", "TLSv1.3");
        if (arrival.Detail is { } broken)
        {
            return Refuse(arrival, "handshake", broken, key);
        }

        if (!identity.IsReady)
        {
            // It was when the connection began; a stream that begins later finds what is in force now.
            return Refuse(arrival, identity.NotReadyReason, "the proxy is not ready", key, RefusalCode.NotReady);
        }

        if (arrival.Port is { } port and not 0 && port != options.Listen.Port)
        {
            // Inbound is no relay: a stream names a port that this listener has, and nothing else.
            return Refuse(arrival, "port", $"{client.Id} asks for port {port}, which is not here", key, RefusalCode.Port);
        }

        return Authorize(arrival, client.Id, key, end => live.Add(DirectionWord, client.Chain, end));
    }

    private Decision DecideUnauthenticated(Arrival arrival)
    {
        var (tls, protocol) = arrival.Kind == ArrivalKind.OtherTls ? ("opaque", "TLS") : ("disabled", arrival.LooksLikeHttp ? "HTTP/1.1" : "TCP");
        return Authorize(arrival, null, Key(EdgeKind.Ingress, "", tls, "no_tls_from_remote", protocol), null);
    }

    private Decision Authorize(Arrival arrival, SpiffeId? client, EdgeKey key, Func<Action, IDisposable>? connection) =>
        InboundAuthorizer.Refusal(identity.Policy!.DefaultPolicy, client, identity.Bundles.Bundle.TrustDomain) is { } refusal
            ? Refuse(arrival, "policy", client is null ? refusal : $"{client}: {refusal}", key)
            : new Decision(options.Application, edges.For(key), connection);

    private Decision Refuse(Arrival arrival, string reason, string detail, EdgeKey key, RefusalCode code = RefusalCode.Policy)
    {
        refusals.Add(DirectionWord, reason);
        Log.Refused(logger, arrival.Remote, options.Application.Port, reason, detail);
        var edge = edges.For(key);
        edge.Refused();
        return new Decision(null, edge, Refusal: code);
    }

    private EdgeKey Key(EdgeKind kind, string peer, string tls, string noTlsReason, string protocol) =>
        new(kind, Direction.Inbound, peer, "", options.Application.Port, tls, noTlsReason, protocol);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5701, Level = LogLevel.Warning, Message = "Refused a connection from {Peer} to port {Port}: {Reason}: {Detail}")]
        public static partial void Refused(ILogger logger, System.Net.EndPoint? peer, int port, string reason, string detail);

        [LoggerMessage(EventId = 5702, Level = LogLevel.Warning, Message = "Could not reach the application: {Detail}")]
        public static partial void ApplicationNotReached(ILogger logger, string detail);
    }
}
