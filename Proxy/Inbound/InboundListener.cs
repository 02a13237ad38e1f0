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

/// <summary>From the mesh to the application: who comes is verified, then authorized, before the application hears of it.</summary>
internal sealed partial class InboundListener(
    IInboundPlaces places,
    WorkloadIdentity identity,
    InboundTransport transport,
    TimeSpan detectTimeout,
    LiveConnections live,
    EdgeBook edges,
    RefusalCounters refusals,
    Troubles troubles,
    ILogger<InboundListener> logger)
{
    private const string DirectionWord = "inbound";

    /// <summary>Why a connection is refused that was not brought here by the kernel: it was made to the proxy itself.</summary>
    private const string NotRedirected = "not_redirected";

    // On an opaque port the server may speak first: a peer of the mesh has said hello by then, and others are waited for no longer.
    private static readonly TimeSpan OpaqueTimeout = TimeSpan.FromMilliseconds(200);

    public async Task ServeAsync(LoopSocket client)
    {
        if (identity is not { IsReady: true, Credential: { } credential })
        {
            // Nothing passes before certificate, bundle and policy are there, nor when the trust lease has ended.
            refusals.Add(DirectionWord, identity.NotReadyReason);
            client.Abort();
            return;
        }

        if (places.Of(client) is not { } place)
        {
            refusals.Add(DirectionWord, NotRedirected);
            client.Abort();
            return;
        }

        Decision? decision = null;
        var patience = identity.OpaquePorts.Contains(place.Port) && AdmitsUnauthenticated && OpaqueTimeout < detectTimeout ? OpaqueTimeout : detectTimeout;
        if (await transport.ServeAsync(client, credential, patience, arrival => decision = Decide(arrival, place)) is { } failure)
        {
            if (decision is { Edge: var edge })
            {
                edges.Refused(edge);
            }

            if (failure.Reason == Troubles.Shortage)
            {
                troubles.Short(failure.Detail);
                return;
            }

            refusals.Add(DirectionWord, failure.Reason);
            Log.ApplicationNotReached(logger, failure.Detail);
        }
    }

    // Where it does not, nobody is kept waiting who would be let in, and a hello that comes late is still heard.
    private bool AdmitsUnauthenticated =>
        identity.Policy is { } policy && InboundAuthorizer.Refusal(policy.DefaultPolicy, null, identity.Bundles.Bundle.TrustDomain) is null;

    private Decision Decide(Arrival arrival, InboundPlace place) =>
        arrival.Kind == ArrivalKind.Mesh ? DecideMesh(arrival, place) : DecideUnauthenticated(arrival, place);

    private Decision DecideMesh(Arrival arrival, InboundPlace place)
    {
        if (arrival.Client is not { IsValid: true, Svid: { } client })
        {
            var reason = arrival.Client?.Rejection.ToString() ?? "handshake";
            return Refuse(
                arrival, reason, arrival.Client?.Detail ?? arrival.Detail ?? "the handshake failed",
                Key(place, EdgeKind.Ingress, "", "no_identity", "no_tls_from_remote", "TLSv1.3"),
                arrival.Client?.Rejection == SvidRejection.Revoked ? RefusalCode.Revoked : RefusalCode.Policy);
        }

        var key = Key(place, EdgeKind.Application, client.Id.ToString(), "true", "", "TLSv1.3");
        if (arrival.Detail is { } broken)
        {
            return Refuse(arrival, "handshake", broken, key);
        }

        if (!identity.IsReady)
        {
            // It was when the connection began; a stream that begins later finds what is in force now.
            return Refuse(arrival, identity.NotReadyReason, "the proxy is not ready", key, RefusalCode.NotReady);
        }

        if (arrival.Port is { } port and not 0 && port != place.AskedPort)
        {
            // Inbound is no relay: a stream names a port that this listener has, and nothing else.
            return Refuse(arrival, "port", $"{client.Id} asks for port {port}, which is not here", key, RefusalCode.Port);
        }

        return Authorize(arrival, place, client.Id, key, end => live.Add(DirectionWord, client.Chain, end));
    }

    private Decision DecideUnauthenticated(Arrival arrival, InboundPlace place)
    {
        var (tls, protocol) = arrival.Kind == ArrivalKind.OtherTls ? ("opaque", "TLS") : ("disabled", arrival.LooksLikeHttp ? "HTTP/1.1" : "TCP");
        return Authorize(arrival, place, null, Key(place, EdgeKind.Ingress, "", tls, "no_tls_from_remote", protocol) with { ServerName = arrival.ServerName }, null);
    }

    private Decision Authorize(Arrival arrival, InboundPlace place, SpiffeId? client, EdgeKey key, Func<Action, IDisposable>? connection) =>
        InboundAuthorizer.Refusal(identity.Policy!.DefaultPolicy, client, identity.Bundles.Bundle.TrustDomain) is { } refusal
            ? Refuse(arrival, "policy", client is null ? refusal : $"{client}: {refusal}", key)
            : new Decision(place.Application, key, connection, place.From);

    private Decision Refuse(Arrival arrival, string reason, string detail, EdgeKey key, RefusalCode code = RefusalCode.Policy)
    {
        refusals.Add(DirectionWord, reason);
        Log.Refused(logger, arrival.Remote, key.Port, reason, detail);
        edges.Refused(key);
        return new Decision(null, key, Refusal: code);
    }

    private static EdgeKey Key(InboundPlace place, EdgeKind kind, string peer, string tls, string noTlsReason, string protocol) =>
        new(kind, Direction.Inbound, peer, "", place.Port, tls, noTlsReason, protocol);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5701, Level = LogLevel.Warning, Message = "Refused a connection from {Peer} to port {Port}: {Reason}: {Detail}")]
        public static partial void Refused(ILogger logger, System.Net.EndPoint? peer, int port, string reason, string detail);

        [LoggerMessage(EventId = 5702, Level = LogLevel.Warning, Message = "Could not reach the application: {Detail}")]
        public static partial void ApplicationNotReached(ILogger logger, string detail);
    }
}
