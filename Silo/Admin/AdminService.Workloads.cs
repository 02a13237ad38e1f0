using System.Collections.Immutable;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;

namespace Mesh.Silo.Admin;

/// <summary>Workloads: registered, shown, banned.</summary>
internal sealed partial class AdminService
{
    private const int WorkloadsOnAPage = 1_000;

    public override async Task<RegisterWorkloadsResponse> RegisterWorkloads(RegisterWorkloadsRequest request, ServerCallContext context)
    {
        var outcomes = await Registry.RegisterAsync([.. request.Workloads.Select(WorkloadMessages.Read)]);
        return new RegisterWorkloadsResponse { Results = { request.Workloads.Zip(outcomes, WorkloadMessages.ToResult) } };
    }

    public override async Task<ListWorkloadsResponse> ListWorkloads(ListWorkloadsRequest request, ServerCallContext context)
    {
        var page = await Registry.ListAsync(request.Namespace, request.PageToken, WorkloadsOnAPage);
        var bans = await BansAsync();
        var live = (await issuance.ListLiveAsync(null, clock.GetUtcNow(), MaxIdentities, context.CancellationToken)).CountBy(record => record.Id).ToDictionary();
        var response = new ListWorkloadsResponse { NextPageToken = page.Length == WorkloadsOnAPage ? page[^1].Name : "" };
        foreach (var ns in page.GroupBy(workload => workload.Namespace))
        {
            var policy = await grains.GetGrain<IPolicyGrain>(ns.Key).GetAsync();
            response.Workloads.AddRange(ns.Select(workload =>
            {
                var id = SpiffeId.ForWorkload(_options.TrustDomainName, workload.Namespace, workload.ServiceAccount);
                return WorkloadMessages.ToMessage(id, workload, policy, (uint)live.GetValueOrDefault(id), bans.GetValueOrDefault(id));
            }));
        }

        return response;
    }

    public override async Task<Workload> GetWorkload(GetWorkloadRequest request, ServerCallContext context)
    {
        var id = WorkloadId(request.Namespace, request.ServiceAccount);
        var workload = await Registry.FindAsync(id.Namespace!, id.ServiceAccount!);
        var ban = (await BansAsync()).GetValueOrDefault(id);
        var instances = await grains.GetGrain<IWorkloadGrain>(id.ToString()).GetInstancesAsync();
        if (workload is null && ban is null && instances.IsEmpty)
        {
            throw new MeshException(MeshError.NotFound, $"'{id.Namespace}/{id.ServiceAccount}' is not registered, and no instance of it is alive.");
        }

        var policy = await grains.GetGrain<IPolicyGrain>(id.Namespace!).GetAsync();
        var trust = await TrustDomain.GetStatusAsync();
        var message = WorkloadMessages.ToMessage(id, workload, policy, (uint)instances.Length, ban);
        message.Instances.AddRange(instances.Select(instance => AdminMessages.ToMessage(instance, trust, message.DefaultPolicy)));
        return message;
    }

    public override async Task<DeleteWorkloadResponse> DeleteWorkload(DeleteWorkloadRequest request, ServerCallContext context)
    {
        var id = WorkloadId(request.Namespace, request.ServiceAccount);
        var name = $"{id.Namespace}/{id.ServiceAccount}";
        var instances = await grains.GetGrain<IWorkloadGrain>(id.ToString()).GetInstancesAsync();
        if (!instances.IsEmpty)
        {
            throw new MeshException(
                MeshError.Conflict, $"{instances.Length} instances of '{name}' are alive, the last until {instances.Max(instance => X509Svid.Parse([instance.Chain[0]]).NotAfter):u}. Stop them, or ban it.");
        }

        if ((await BansAsync()).GetValueOrDefault(id) is { Stands: true })
        {
            throw new MeshException(MeshError.Conflict, $"'{name}' is banned, and its line is where that is seen. Lift the ban first.");
        }

        return await Registry.UnregisterAsync(id.Namespace!, id.ServiceAccount!)
            ? new DeleteWorkloadResponse()
            : throw new MeshException(MeshError.NotFound, $"'{name}' is not registered.");
    }

    public override async Task<Ban> BanWorkload(BanWorkloadRequest request, ServerCallContext context)
    {
        var id = WorkloadId(request.Namespace, request.ServiceAccount);
        await TrustDomain.BanAsync(id, request.Reason);
        try
        {
            await RegisterAsync(id);
        }
        catch (MeshException full) when (full.Error == MeshError.LimitReached)
        {
            // It is banned all the same, and GetWorkload shows it.
        }

        return WorkloadMessages.ToMessage((await BansAsync())[id]);
    }

    public override async Task<Ban> UnbanWorkload(UnbanWorkloadRequest request, ServerCallContext context)
    {
        var lifted = await TrustDomain.UnbanAsync(WorkloadId(request.Namespace, request.ServiceAccount));
        if (lifted.IssuedBefore - clock.GetUtcNow() is { } wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, clock, context.CancellationToken);
        }

        return WorkloadMessages.ToMessage(lifted);
    }

    private IWorkloadRegistryGrain Registry => grains.GetGrain<IWorkloadRegistryGrain>(_options.TrustDomain);

    private async Task<Dictionary<SpiffeId, BanStatus>> BansAsync() => (await TrustDomain.GetBansAsync()).ToDictionary(ban => ban.Id);

    // Whoever has been given a token, or was banned, is somebody.
    private async Task RegisterAsync(SpiffeId id)
    {
        if (await Registry.FindAsync(id.Namespace!, id.ServiceAccount!) is null)
        {
            await Registry.RegisterAsync([new Grains.Interfaces.Workloads.WorkloadRegistration(id.Namespace!, id.ServiceAccount!, null, null)]);
        }
    }

    private async Task RefuseBannedAsync(SpiffeId id)
    {
        if ((await TrustDomain.GetBansAsync()).Any(ban => ban.Id == id && ban.Stands))
        {
            throw new MeshException(MeshError.Revoked, $"{id} is banned, and no token for it would be taken. Lift the ban first.");
        }
    }
}
