using System.Net.Sockets;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Outbound;

/// <summary>From the application to one service: mutual TLS with exactly the identity that discovery named, or plain TCP where it named none.</summary>
internal sealed partial class OutboundListener(
    OutboundOptions options,
    WorkloadIdentity identity,
    ServiceDirectory services,
    IMeshTransport transport,
    LiveConnections live,
    EdgeBook edges,
    RefusalCounters refusals,
    ILogger<OutboundListener> logger)
{
    private const string DirectionWord = "outbound";

    public async Task ServeAsync(Socket application, CancellationToken cancellationToken)
    {
        application.UseMeshSettings();
        var isCarried = false;
        try
        {
            isCarried = await CarryAsync(application, cancellationToken);
        }
        finally
        {
            if (!isCarried)
            {
                // A clean end would look like an empty answer of the service.
                ConnectionEnd.Abort(application);
            }
        }
    }

    private async Task<bool> CarryAsync(Socket application, CancellationToken cancellationToken)
    {
        if (identity is not { IsReady: true, Credential: { } credential })
        {
            // Nothing passes before certificate, bundle and policy are there, nor when the trust lease has ended.
            refusals.Add(DirectionWord, identity.NotReadyReason);
            return false;
        }

        var patience = new RenewalPatience(identity);
        var choices = services.Endpoints(options.Service).Choose();
        List<RefusedEndpoint> waitedFor = [];
        while (choices.TryNext(out var attempt))
        {
            if (await TryAsync(application, attempt, patience, credential, waitedFor, cancellationToken))
            {
                return true;
            }
        }

        if (!choices.HasTried)
        {
            refusals.Add(DirectionWord, choices.Refusal);
            Log.NoEndpoints(logger, options.Service, choices.Refusal);
            return false;
        }

        while (waitedFor.Count > 0 && await patience.WaitAsync(cancellationToken))
        {
            List<RefusedEndpoint> again = [.. waitedFor];
            waitedFor.Clear();
            foreach (var refused in again)
            {
                if (await TryAsync(application, refused.Endpoint.BeginAgain(), patience, credential, waitedFor, cancellationToken))
                {
                    return true;
                }
            }
        }

        waitedFor.ForEach(Refuse);
        return false;
    }

    // True where the connection was carried. One that is refused for a certificate on its way is kept for another try.
    private async Task<bool> TryAsync(
        Socket application, EndpointAttempt attempt, RenewalPatience patience, SvidCredential credential, List<RefusedEndpoint> waitedFor,
        CancellationToken cancellationToken)
    {
        var shown = attempt.Endpoint.Identity is null ? credential : await patience.OwnAsync(credential, cancellationToken);
        if (await ForwardAsync(application, attempt, shown, cancellationToken) is not { } failure)
        {
            waitedFor.ForEach(Refuse);
            return true;
        }

        var refused = new RefusedEndpoint(attempt.Endpoint, failure);
        if (RenewalPatience.IsBeingReplaced(failure))
        {
            waitedFor.Add(refused);
        }
        else
        {
            Refuse(refused);
        }

        return false;
    }

    private async Task<OpenFailure?> ForwardAsync(Socket application, EndpointAttempt attempt, SvidCredential credential, CancellationToken cancellationToken)
    {
        var endpoint = attempt.Endpoint;
        var edge = edges.For(KeyOf(endpoint));
        IReadOnlyList<ReadOnlyMemory<byte>> shown = [];
        var began = TimeProvider.System.GetTimestamp();
        var isEstablished = false;
        var target = new OutboundTarget(
            endpoint.Address,
            endpoint.Identity is null ? null : credential,
            endpoint.Identity?.DnsName ?? "",
            chain => identity.Verify(shown = chain, endpoint.Identity),
            edge,
            end =>
            {
                isEstablished = true;
                attempt.Established(TimeProvider.System.GetElapsedTime(began));
                return endpoint.Identity is null ? NoRegistration.Instance : live.Add(DirectionWord, shown, end);
            });
        OpenFailure? failure = null;
        try
        {
            return failure = await transport.ForwardAsync(application, target, cancellationToken);
        }
        finally
        {
            if (isEstablished)
            {
                attempt.Closed();
            }
            else if (failure is null || RenewalPatience.IsBeingReplaced(failure))
            {
                // The proxy stops, or the endpoint is there and shows a certificate that is being replaced.
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
        var (endpoint, failure) = refused;
        edges.For(KeyOf(endpoint)).Refused();
        refusals.Add(DirectionWord, failure.Reason);
        Log.Refused(logger, options.Service, endpoint.Address, endpoint.Identity, failure.Reason, failure.Detail);
    }

    private EdgeKey KeyOf(ServiceEndpoint endpoint) => endpoint.Identity is { } id
        ? new EdgeKey(EdgeKind.Application, Direction.Outbound, id.ToString(), options.Service, options.ServicePort, "true", "", "TLSv1.3")
        : new EdgeKey(
            EdgeKind.Application, Direction.Outbound, "", options.Service, options.ServicePort, "no_identity", "not_provided_by_service_discovery", "TCP");

    private readonly record struct RefusedEndpoint(ServiceEndpoint Endpoint, OpenFailure Failure);

    private sealed class NoRegistration : IDisposable
    {
        public static readonly NoRegistration Instance = new();

        public void Dispose()
        {
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5801, Level = LogLevel.Warning, Message = "Did not use the endpoint {Address} of {Service}, expected {Expected}: {Reason}: {Detail}")]
        public static partial void Refused(
            ILogger logger, string service, System.Net.IPEndPoint address, SpiffeId? expected, string reason, string detail);

        [LoggerMessage(EventId = 5802, Level = LogLevel.Warning, Message = "{Service} has no endpoint to try: {Reason}")]
        public static partial void NoEndpoints(ILogger logger, string service, string reason);
    }
}
