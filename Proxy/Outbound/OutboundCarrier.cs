using System.Net;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Outbound;

/// <summary>
/// Carries a connection of the application to one of a service's endpoints: mutual TLS with exactly the identity that discovery named, or
/// plain TCP where it named none.
/// </summary>
internal sealed partial class OutboundCarrier(
    WorkloadIdentity identity,
    OutboundTransport transport,
    LiveConnections live,
    EdgeBook edges,
    RefusalCounters refusals,
    Troubles troubles,
    ILogger<OutboundCarrier> logger)
{
    private const string DirectionWord = "outbound";

    /// <summary>Serves a connection with <paramref name="carry"/>, unless nothing may pass yet.</summary>
    /// <param name="application">Ended when this returns: cut off, where it was not carried.</param>
    /// <param name="carry">Whether it was carried.</param>
    public async Task ServeAsync(LoopSocket application, Func<LoopSocket, SvidCredential, ValueTask<bool>> carry)
    {
        var isCarried = false;
        try
        {
            if (identity is { IsReady: true, Credential: { } credential })
            {
                isCarried = await carry(application, credential);
            }
            else
            {
                // Nothing passes before certificate, bundle and policy are there, nor when the trust lease has ended.
                Refuse(identity.NotReadyReason);
            }
        }
        finally
        {
            if (!isCarried)
            {
                // A clean end would look like an empty answer of the service.
                application.Abort();
            }
        }
    }

    /// <summary>Counts a connection that goes nowhere.</summary>
    public void Refuse(string reason) => refusals.Add(DirectionWord, reason);

    /// <summary>Carries a connection to one of these endpoints, each tried in its turn.</summary>
    /// <returns>Whether it was carried.</returns>
    public async ValueTask<bool> CarryAsync(LoopSocket application, SvidCredential credential, ServicePort service, EndpointSet endpoints)
    {
        var patience = new RenewalPatience(identity);
        var choices = endpoints.Choose();
        List<RefusedEndpoint>? waitedFor = null;
        // Whoever has reset the connection meanwhile needs no endpoint, and no endpoint need be blamed for what comes of trying it.
        while (!application.IsGone && choices.TryNext(out var attempt))
        {
            var (isCarried, refused) = await TryAsync(application, attempt, patience, credential, service);
            if (isCarried is { } outcome)
            {
                waitedFor?.ForEach(Refuse);
                return outcome;
            }

            if (refused is { } kept)
            {
                (waitedFor ??= []).Add(kept);
            }
        }

        if (!choices.HasTried && !application.IsGone)
        {
            Refuse(choices.Refusal);
            Log.NoEndpoints(logger, service.Name, choices.Refusal);
            return false;
        }

        while (waitedFor is { Count: > 0 } && await patience.WaitAsync() && !application.IsGone)
        {
            List<RefusedEndpoint> again = [.. waitedFor];
            waitedFor.Clear();
            foreach (var refused in again)
            {
                if (application.IsGone)
                {
                    waitedFor.Add(refused);
                    continue;
                }

                var (isCarried, once) = await TryAsync(application, refused.Endpoint.BeginAgain(), patience, credential, service);
                if (isCarried is { } outcome)
                {
                    waitedFor.ForEach(Refuse);
                    return outcome;
                }

                if (once is { } kept)
                {
                    waitedFor.Add(kept);
                }
            }
        }

        waitedFor?.ForEach(Refuse);
        return false;
    }

    /// <summary>Passes a connection as it is, to where it was going: the mesh knows nothing of it.</summary>
    /// <returns>Whether it was carried.</returns>
    public async ValueTask<bool> PassAsync(LoopSocket application, IPEndPoint destination)
    {
        var nowhere = new ServicePort("", destination.Port);
        var target = new OutboundTarget(
            destination, null, null, _ => throw new InvalidOperationException("Plain TCP shows nothing."), said => edges.For(PlainKey(nowhere, said)), (_, _) => null);
        if (await transport.ForwardAsync(application, target) is not { } failure)
        {
            return true;
        }

        edges.Refused(PlainKey(nowhere, null));
        if (failure.Reason == Troubles.Shortage)
        {
            troubles.Short(failure.Detail);
            return false;
        }

        Refuse(failure.Reason);
        Log.NotPassed(logger, destination, failure.Detail);
        return false;
    }

    private const string NotProvided = "not_provided_by_service_discovery";

    // Null where another endpoint may do. Refused is one that may be tried again, since a certificate is on its way; any other has been counted.
    private async ValueTask<(bool? IsCarried, RefusedEndpoint? Refused)> TryAsync(
        LoopSocket application, EndpointAttempt attempt, RenewalPatience patience, SvidCredential credential, ServicePort service)
    {
        var shown = attempt.Endpoint.Identity is null ? credential : await patience.OwnAsync(credential);
        if (await ForwardAsync(application, attempt, shown, service) is not { } failure)
        {
            return (true, null);
        }

        if (failure.Reason == Troubles.Shortage)
        {
            edges.Refused(KeyOf(attempt.Endpoint, service, null));
            troubles.Short(failure.Detail);
            return (false, null);
        }

        var refused = new RefusedEndpoint(attempt.Endpoint, service, failure);
        if (RenewalPatience.IsBeingReplaced(failure))
        {
            return (null, refused);
        }

        Refuse(refused);
        return (null, null);
    }

    private async Task<OpenFailure?> ForwardAsync(LoopSocket application, EndpointAttempt attempt, SvidCredential credential, ServicePort service)
    {
        var endpoint = attempt.Endpoint;
        var began = TimeProvider.System.GetTimestamp();
        var isEstablished = false;
        var target = new OutboundTarget(
            endpoint.Address,
            endpoint.Identity is null ? null : credential,
            endpoint.Identity,
            chain => identity.Verify(chain, endpoint.Identity),
            said => edges.For(KeyOf(endpoint, service, said)),
            (chain, end) =>
            {
                isEstablished = true;
                attempt.Established(TimeProvider.System.GetElapsedTime(began));
                return endpoint.Identity is null ? null : live.Add(DirectionWord, chain, end);
            });
        OpenFailure? failure = null;
        try
        {
            return failure = await transport.ForwardAsync(application, target);
        }
        finally
        {
            if (isEstablished)
            {
                attempt.Closed();
            }
            else if (failure is null or { Reason: "refused" or Troubles.Shortage } || RenewalPatience.IsBeingReplaced(failure))
            {
                // The proxy stops, or is short of something; or the endpoint is there and has said no, or shows a certificate that is being replaced.
                attempt.Abandoned();
            }
            else
            {
                attempt.Failed();
            }
        }
    }

    private void Refuse(RefusedEndpoint refused)
    {
        var (endpoint, service, failure) = refused;
        edges.Refused(KeyOf(endpoint, service, null));
        Refuse(failure.Reason);
        Log.Refused(logger, service.Name, endpoint.Address, endpoint.Identity, failure.Reason, failure.Detail);
    }

    private static EdgeKey KeyOf(ServiceEndpoint endpoint, ServicePort service, Detection? said) => endpoint.Identity is { } id
        ? new EdgeKey(EdgeKind.Application, Direction.Outbound, id.ToString(), service.Name, service.Port, "true", "", "TLSv1.3")
        : PlainKey(service, said);

    // The mesh gives such a connection no identity; the application may have given it TLS of its own.
    private static EdgeKey PlainKey(ServicePort service, Detection? said) => said is { Kind: not ArrivalKind.Plaintext }
        ? new EdgeKey(EdgeKind.Application, Direction.Outbound, "", service.Name, service.Port, "opaque", NotProvided, "TLS", said.ServerName)
        : new EdgeKey(EdgeKind.Application, Direction.Outbound, "", service.Name, service.Port, "no_identity", NotProvided, "TCP");

    private readonly record struct RefusedEndpoint(ServiceEndpoint Endpoint, ServicePort Service, OpenFailure Failure);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5801, Level = LogLevel.Warning, Message = "Did not use the endpoint {Address} of {Service}, expected {Expected}: {Reason}: {Detail}")]
        public static partial void Refused(ILogger logger, string service, IPEndPoint address, SpiffeId? expected, string reason, string detail);

        [LoggerMessage(EventId = 5802, Level = LogLevel.Warning, Message = "{Service} has no endpoint to try: {Reason}")]
        public static partial void NoEndpoints(ILogger logger, string service, string reason);

        [LoggerMessage(EventId = 5803, Level = LogLevel.Warning, Message = "Could not pass a connection on to {Destination}: {Detail}")]
        public static partial void NotPassed(ILogger logger, IPEndPoint destination, string detail);
    }
}

/// <summary>What the application asked for.</summary>
/// <param name="Name">NAME.NAMESPACE:PORT.</param>
/// <param name="Port">Its port.</param>
internal readonly record struct ServicePort(string Name, int Port);
