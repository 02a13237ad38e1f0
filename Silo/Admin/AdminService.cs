using System.Collections.Immutable;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Grains.Cluster;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Grains.Issuance;
using Mesh.Grains.Keys;
using Mesh.Grains.Ledger;
using Mesh.Silo.Backups;
using Mesh.Silo.Hosting;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Admin;

/// <summary>The admin API: each call is one question to one grain, in the words that operators use.</summary>
internal sealed partial class AdminService(
    IGrainFactory grains, IIssuanceStore issuance, TrustLedger ledger, BackupTaker backups, ClusterView cluster, IKeyStore keys, IOptions<SiloOptions> options, TimeProvider clock) : Mesh.Admin.V1.Admin.AdminBase
{
    private const int MaxIdentities = 10_000;

    private readonly SiloOptions _options = options.Value;

    public override Task<GetVersionResponse> GetVersion(GetVersionRequest request, ServerCallContext context) => Task.FromResult(
        new GetVersionResponse { Version = ProductVersion.Text, TrustDomain = _options.TrustDomain });

    public override async Task<TrustDomain> GetTrustDomain(GetTrustDomainRequest request, ServerCallContext context) =>
        AdminMessages.ToMessage(await TrustDomain.GetStatusAsync());

    public override async Task<GetBundleResponse> GetBundle(GetBundleRequest request, ServerCallContext context)
    {
        var bundle = await TrustDomain.GetBundleAsync();
        return new GetBundleResponse { Jwks = System.Text.Encoding.UTF8.GetString(TrustBundleJson.Write(SignedBundle.Parse(bundle.SignedBundle).Bundle)) };
    }

    public override async Task<Mesh.Admin.V1.JoinToken> CreateWorkloadToken(CreateWorkloadTokenRequest request, ServerCallContext context)
    {
        var subject = WorkloadId(request.Namespace, request.ServiceAccount);
        await RefuseBannedAsync(subject);
        var token = await TrustDomain.CreateJoinTokenAsync(
            subject, AdminMessages.Lifetime(request.Lifetime), [.. request.Addresses.Select(AdminMessages.Address)]);
        await RegisterAsync(subject);
        return AdminMessages.ToMessage(token);
    }

    public override async Task<Mesh.Admin.V1.JoinToken> CreateProxyHostToken(CreateProxyHostTokenRequest request, ServerCallContext context)
    {
        var subject = Checked(() => SpiffeId.ForProxyHost(_options.TrustDomainName, request.Name));
        var token = await TrustDomain.CreateJoinTokenAsync(subject, AdminMessages.Lifetime(request.Lifetime), EnrollmentAddresses());
        return AdminMessages.ToMessage(token);
    }

    public override async Task<Service> SetService(SetServiceRequest request, ServerCallContext context)
    {
        ImmutableArray<ServiceEndpoint> endpoints = [.. request.Endpoints.Select(endpoint =>
            new ServiceEndpoint(endpoint.Address, endpoint.SpiffeId.Length == 0 ? null : Checked(() => SpiffeId.Parse(endpoint.SpiffeId))))];
        return AdminMessages.ToMessage(await Catalog.SetAsync(request.Name, new ServiceDefinition(endpoints, [.. request.Addresses])));
    }

    public override async Task<Service> GetService(GetServiceRequest request, ServerCallContext context) =>
        await grains.GetGrain<IServiceGrain>(request.Name).GetAsync() is { Version: > 0 } service
            ? AdminMessages.ToMessage(service)
            : throw new MeshException(MeshError.NotFound, $"'{request.Name}' was never set.");

    public override async Task<ListServicesResponse> ListServices(ListServicesRequest request, ServerCallContext context)
    {
        var services = await Task.WhenAll((await Catalog.ListAsync()).Select(name => grains.GetGrain<IServiceGrain>(name).GetAsync()));
        return new ListServicesResponse { Services = { services.Select(AdminMessages.ToMessage) } };
    }

    public override async Task<DefaultPolicy> SetDefaultPolicy(SetDefaultPolicyRequest request, ServerCallContext context)
    {
        var id = WorkloadId(request.Namespace, request.ServiceAccount);
        var snapshot = await grains.GetGrain<IPolicyGrain>(id.Namespace!).SetDefaultAsync(id.ServiceAccount!, PolicyModes.Parse(request.Mode));
        return new DefaultPolicy
        {
            Namespace = id.Namespace,
            ServiceAccount = id.ServiceAccount,
            Mode = PolicyModes.Word(snapshot.ModeOf(id.ServiceAccount!)),
            Version = snapshot.Version,
        };
    }

    public override async Task<OpaquePorts> SetOpaquePorts(SetOpaquePortsRequest request, ServerCallContext context)
    {
        var id = WorkloadId(request.Namespace, request.ServiceAccount);
        var snapshot = await grains.GetGrain<IPolicyGrain>(id.Namespace!)
            .SetOpaquePortsAsync(id.ServiceAccount!, request.HasPorts ? PortList.Parse(request.Ports) : null);
        var message = new OpaquePorts { Namespace = id.Namespace, ServiceAccount = id.ServiceAccount, Version = snapshot.Version };
        if (snapshot.OpaquePortsOf(id.ServiceAccount!) is { } ports)
        {
            message.Ports = PortList.Format(ports);
        }

        return message;
    }

    public override async Task<ListIdentitiesResponse> ListIdentities(ListIdentitiesRequest request, ServerCallContext context)
    {
        var workloads = (await LiveWorkloadsAsync(request.Namespace, context.CancellationToken)).ToList();
        var status = await TrustDomain.GetStatusAsync();
        var response = new ListIdentitiesResponse();
        foreach (var ns in workloads.GroupBy(id => id.Namespace!))
        {
            var policy = await grains.GetGrain<IPolicyGrain>(ns.Key).GetAsync();
            foreach (var id in ns)
            {
                var mode = PolicyModes.Word(policy.ModeOf(id.ServiceAccount!));
                var instances = await grains.GetGrain<IWorkloadGrain>(id.ToString()).GetInstancesAsync();
                response.Identities.AddRange(instances.Select(instance => AdminMessages.ToMessage(instance, status, mode)));
            }
        }

        return response;
    }

    public override async Task<ListEdgesResponse> ListEdges(ListEdgesRequest request, ServerCallContext context)
    {
        var namespaces = (await LiveWorkloadsAsync(request.Namespace, context.CancellationToken)).Select(id => id.Namespace!).Distinct();
        var observed = await Task.WhenAll(namespaces.Select(ns => grains.GetGrain<ITrafficGrain>(ns).GetEdgesAsync()));
        return new ListEdgesResponse { Edges = { EdgeTable.Build([.. observed.SelectMany(edges => edges)]) } };
    }

    // This silo first, then others that are active: a token outlives the silo that made it.
    private List<Uri> EnrollmentAddresses() =>
        [.. cluster.Current().EnrollmentAddresses.Select(address => new Uri(address)).Prepend(_options.EnrollmentUri).Distinct().Take(8)];

    private ITrustDomainGrain TrustDomain => grains.GetGrain<ITrustDomainGrain>(_options.TrustDomain);

    private IServiceCatalogGrain Catalog => grains.GetGrain<IServiceCatalogGrain>(_options.TrustDomain);

    private async Task<IEnumerable<SpiffeId>> LiveWorkloadsAsync(string ns, CancellationToken cancellationToken)
    {
        var live = await issuance.ListLiveAsync(null, clock.GetUtcNow(), MaxIdentities, cancellationToken);
        return live.Select(record => record.Id)
            .Where(id => id.Role == IdentityRole.Workload && (ns.Length == 0 || id.Namespace == ns))
            .Distinct();
    }

    private SpiffeId WorkloadId(string ns, string serviceAccount)
    {
        var id = Checked(() => SpiffeId.ForWorkload(_options.TrustDomainName, ns, serviceAccount));
        return id.Role == IdentityRole.Workload
            ? id
            : throw new MeshException(MeshError.InvalidRequest, $"'{ns}/{serviceAccount}' is not NAMESPACE/SERVICE-ACCOUNT.");
    }

    private static T Checked<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, e.Message);
        }
    }
}
