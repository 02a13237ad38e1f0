using System.Collections.Immutable;
using Grpc.Core;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Proxy.V1;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Hosting;
using Mesh.ProxyHost.Limits;
using Mesh.ProxyHost.Relay;
using Mesh.ProxyHost.Renewals;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>A proxy's session. Each call goes to the grain of the caller's own identity, which its certificate names.</summary>
internal sealed class ProxySessionService(
    IGrainFactory grains, ProxyHostIdentity identity, RenewalLanes renewals, MeshRelay relay, BundleConfirmations confirmations, AddressAnswers addresses, SessionInstruments instruments, ProxyHostOptions options,
    ServiceQuota services, Refusals refusals, TimeProvider clock, IHostApplicationLifetime host)
    : ProxySession.ProxySessionBase
{
    public override async Task<CertifyResponse> Certify(CertifyRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        RequestLimits.CheckCsr(request.Csr);
        var evidence = new RenewalEvidence(caller.LeafDer, request.Proof.Memory);
        return SessionMessages.ToMessage(await renewals.RenewAsync(
            new SignRequest(caller.Id, request.Csr.Memory, evidence, request.Epoch), context.CancellationToken));
    }

    public override async Task<ResolveResponse> Resolve(ResolveRequest request, ServerCallContext context)
    {
        ReportReader.CheckServiceName(request.Service, "service");
        var service = await GrainOf(CallerOf(context)).ResolveAsync(request.Service)
            .WaitAsync(options.CallTimeout, clock, context.CancellationToken);
        return new ResolveResponse { Service = SessionMessages.ToMessage(service) };
    }

    public override async Task<ResolveAddressResponse> ResolveAddress(ResolveAddressRequest request, ServerCallContext context) =>
        SessionMessages.ToMessage(await addresses.ResolveAsync(RequestLimits.CheckAddress(request.Address))
            .WaitAsync(options.CallTimeout, clock, context.CancellationToken));

    public override async Task<ReportResponse> Report(ReportRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        ImmutableArray<Grains.Interfaces.Traffic.EdgeReport> edges = [.. ReportReader.Read(request)];
        await GrainOf(caller).ReportAsync(new InstanceReport(caller.InstanceId ?? "", identity.Name, ReportReader.Acknowledgement(request), edges))
            .WaitAsync(options.CallTimeout, clock, context.CancellationToken);
        return new ReportResponse();
    }

    public override async Task<ConfirmBundleResponse> ConfirmBundle(ConfirmBundleRequest request, ServerCallContext context) => new()
    {
        Confirmation = await confirmations.GetAsync().WaitAsync(options.CallTimeout, clock, context.CancellationToken),
    };

    public override async Task Watch(WatchRequest request, IServerStreamWriter<WatchResponse> responseStream, ServerCallContext context)
    {
        var caller = CallerOf(context);
        if (request.Services.Count > RequestLimits.MaxServices)
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"services: {request.Services.Count} entries; at most {RequestLimits.MaxServices} are watched.");
        }

        using var open = instruments.WatchOpened();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping);
        using var watch = new WatchStream(relay, services, caller.Id, request);
        try
        {
            await watch.RunAsync(
                (response, cancellationToken) => SendAsync(response, responseStream, context, cancellationToken), ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The proxy has gone, or this ProxyHost is: the proxy resumes elsewhere with the versions that it holds.
        }
    }

    // A proxy that does not read costs its connection, not memory.
    private async Task SendAsync(
        WatchResponse response, IServerStreamWriter<WatchResponse> stream, ServerCallContext context, CancellationToken cancellationToken)
    {
        var write = stream.WriteAsync(response, cancellationToken);
        try
        {
            await write.WaitAsync(options.WriteTimeout, clock, CancellationToken.None);
        }
        catch (TimeoutException) when (!write.IsCompleted)
        {
            const string Detail = "It does not read its watch stream.";
            refusals.Call(nameof(options.WriteTimeout), context.GetHttpContext(), Detail);
            PeerConnection.Of(context.GetHttpContext())?.Abort(Detail);
            await write.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new OperationCanceledException(Detail);
        }
    }

    private IWorkloadGrain GrainOf(X509Svid caller) => grains.GetGrain<IWorkloadGrain>(caller.Id.ToString());

    private static X509Svid CallerOf(ServerCallContext context) => PeerConnections.TryGet(context.GetHttpContext(), out var caller)
        ? caller
        : throw new InvalidOperationException("The call gate lets nobody through to a session without a certificate.");
}
