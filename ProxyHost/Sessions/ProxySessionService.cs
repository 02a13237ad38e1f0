using System.Collections.Immutable;
using Grpc.Core;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Proxy.V1;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Relay;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>A proxy's session. Each call goes to the grain of the caller's own identity, which its certificate names.</summary>
internal sealed class ProxySessionService(
    IGrainFactory grains, ProxyHostIdentity identity, MeshRelay relay, SessionInstruments instruments, IHostApplicationLifetime host)
    : ProxySession.ProxySessionBase
{
    public override async Task<CertifyResponse> Certify(CertifyRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        RequestLimits.CheckCsr(request.Csr);
        var evidence = new RenewalEvidence(caller.LeafDer, request.Proof.Memory);
        var issued = await GrainOf(caller).CertifyAsync(
            request.Csr.Memory, evidence, request.Epoch, identity.Name, context.CancellationToken);
        return SessionMessages.ToMessage(issued);
    }

    public override async Task<ResolveResponse> Resolve(ResolveRequest request, ServerCallContext context) =>
        new() { Service = SessionMessages.ToMessage(await GrainOf(CallerOf(context)).ResolveAsync(request.Service)) };

    public override async Task<ReportResponse> Report(ReportRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        ImmutableArray<Grains.Interfaces.Traffic.EdgeReport> edges = [.. ReportReader.Read(request)];
        await GrainOf(caller).ReportAsync(new InstanceReport(caller.InstanceId ?? "", identity.Name, request.BundleSequence, edges));
        return new ReportResponse();
    }

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
        using var watch = new WatchStream(relay, caller.Id, request);
        try
        {
            await watch.RunAsync(responseStream, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The proxy has gone, or this ProxyHost is: the proxy resumes elsewhere with the versions that it holds.
        }
    }

    private IWorkloadGrain GrainOf(X509Svid caller) => grains.GetGrain<IWorkloadGrain>(caller.Id.ToString());

    private X509Svid CallerOf(ServerCallContext context)
    {
        if (PeerConnections.TryGet(context.GetHttpContext(), out var caller))
        {
            return caller;
        }

        instruments.Refused(SessionInstruments.NoCertificate);
        throw new RpcException(new Status(StatusCode.Unauthenticated, "A session needs a client certificate. Enroll first."));
    }
}
