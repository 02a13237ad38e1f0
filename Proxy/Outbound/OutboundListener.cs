using Mesh.Proxy.Discovery;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Loops;
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
    OutboundTransport transport,
    LiveConnections live,
    EdgeBook edges,
    RefusalCounters refusals,
    ILogger<OutboundListener> logger)
{
    private const string DirectionWord = "outbound";

    public async Task ServeAsync(LoopSocket application)
    {
        var isCarried = false;
        try
        {
            isCarried = await CarryAsync(application);
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

    private async Task<bool> CarryAsync(LoopSocket application)
    {
        if (identity is not { IsReady: true, Credential: { } credential })
        {
            // Nothing passes before certificate, bundle and policy are there, nor when the trust lease has ended.
            refusals.Add(DirectionWord, identity.NotReadyReason);
            return false;
        }

        var candidates = services.Candidates(options.Service);
        if (candidates.Count == 0)
        {
            refusals.Add(DirectionWord, "no_endpoints");
            Log.NoEndpoints(logger, options.Service);
            return false;
        }

        var patience = new RenewalPatience(identity);
        while (true)
        {
            List<RefusedEndpoint>? waitedFor = null;
            foreach (var endpoint in candidates)
            {
                credential = endpoint.Identity is null ? credential : await patience.OwnAsync(credential);
                if (await TryAsync(application, endpoint, credential) is not { } failure)
                {
                    waitedFor?.ForEach(Refuse);
                    return true;
                }

                var refused = new RefusedEndpoint(endpoint, failure);
                if (RenewalPatience.IsBeingReplaced(failure))
                {
                    (waitedFor ??= []).Add(refused);
                }
                else
                {
                    Refuse(refused);
                }
            }

            if (waitedFor is null || !await patience.WaitAsync())
            {
                waitedFor?.ForEach(Refuse);
                return false;
            }

            candidates = [.. waitedFor.Select(refused => refused.Endpoint)];
        }
    }

    private async Task<OpenFailure?> TryAsync(LoopSocket application, ServiceEndpoint endpoint, SvidCredential credential)
    {
        var edge = edges.For(KeyOf(endpoint));
        var target = new OutboundTarget(
            endpoint.Address,
            endpoint.Identity is null ? null : credential,
            endpoint.Identity,
            chain => identity.Verify(chain, endpoint.Identity),
            edge,
            (chain, end) => endpoint.Identity is null ? null : live.Add(DirectionWord, chain, end));
        endpoint.Opened();
        try
        {
            return await transport.ForwardAsync(application, target);
        }
        finally
        {
            endpoint.Closed();
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

    private static partial class Log
    {
        [LoggerMessage(EventId = 5801, Level = LogLevel.Warning, Message = "Did not use the endpoint {Address} of {Service}, expected {Expected}: {Reason}: {Detail}")]
        public static partial void Refused(
            ILogger logger, string service, System.Net.IPEndPoint address, SpiffeId? expected, string reason, string detail);

        [LoggerMessage(EventId = 5802, Level = LogLevel.Warning, Message = "{Service} has no endpoints")]
        public static partial void NoEndpoints(ILogger logger, string service);
    }
}
