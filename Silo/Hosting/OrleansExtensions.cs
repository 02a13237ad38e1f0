using Mesh.Grains;
using Mesh.Grains.Cluster;
using Mesh.Grains.Issuance;
using Mesh.Grains.Keys;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Backups;
using Mesh.Silo.Keys;
using Mesh.Silo.Roles;
using Mesh.Silo.Storage;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Serialization;
using Orleans.Storage;

namespace Mesh.Silo.Hosting;

/// <summary>The Orleans side of a silo: membership, state and reminders in its store.</summary>
internal static class OrleansExtensions
{
    /// <summary>Orleans' names for the cluster; ProxyHosts are told them when they enroll.</summary>
    public const string ServiceId = "mesh-orleans";

    public static void AddStore(this IServiceCollection services, SiloStore store)
    {
        var database = store.Database;
        services.AddSingleton(database);
        services.AddSingleton<IKeyStore>(new SealedKeyStore(database, store.TrustDomain, store.KeyEncryption, store.AnchorEncryption));
        services.AddSingleton(provider => new BackupTaker(store, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IIssuanceStore, IssuanceStore>();
        services.AddSingleton<IGrainStorage>(provider => new GrainStateStorage(database, provider.GetRequiredService<Serializer>()));
        services.AddKeyedSingleton(
            "Default", (provider, _) => provider.GetRequiredService<IGrainStorage>());
    }

    public static void AddMeshSilo(this ISiloBuilder silo, SiloOptions options, IStoreDatabase database)
    {
        database.UseForOrleans(silo);
        silo.AddReminders();
        silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (options.TrustDomain, ServiceId));
        silo.Configure<Orleans.Configuration.SiloOptions>(orleans => orleans.SiloName = options.Name);
        silo.Configure<EndpointOptions>(endpoints =>
        {
            endpoints.AdvertisedIPAddress = options.SiloEndpoint.Address;
            (endpoints.SiloPort, endpoints.GatewayPort) = (options.SiloPort, options.GatewayPort);
            endpoints.SiloListeningEndpoint = new(options.OrleansAddress, options.SiloPort);
            endpoints.GatewayListeningEndpoint = new(options.OrleansAddress, options.GatewayPort);
        });
        silo.Configure<ClusterMembershipOptions>(UseMeshMembership);
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(10));
        // As many grains as are asked for at a time, some times over. Whoever reads the metrics, and the dashboard does every second, has the cache counted.
        silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = 50_000);
        silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromMinutes(15));
        silo.UseSiloMetadata(new SiloAddresses(options.GatewayEndpoint.ToString(), options.EnrollmentText).ToMetadata());
        silo.UseMeshTransport();
        silo.UseRoles();
        // Its trace would show what the log shows, unfiltered, to whoever looks on.
        silo.AddDashboard(dashboard => dashboard.HideTrace = true);
        silo.Services.AddMeshGrains();
        silo.Services.AddSingleton<TrustGenesis>();
    }

    // A silo that was killed is out after about 5 s, so that trust commands work again within 10; one that pauses for less than
    // 3 s stays in. Without the floor Orleans probes twice a second where silos answer fast, and a busy machine loses them.
    private static void UseMeshMembership(ClusterMembershipOptions membership)
    {
        membership.ProbeTimeout = TimeSpan.FromSeconds(1);
        membership.MinProbeTimeout = TimeSpan.FromSeconds(1);
        membership.MaxProbeTimeout = TimeSpan.FromSeconds(1.5);
        membership.NumMissedProbesLimit = 3;
        // What gossip failed to tell is read from the table.
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        // A row that is 15 s old does not hold up a silo that joins: whole clusters are killed and started again too.
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        membership.NumMissedTableIAmAliveLimit = 3;
        membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
    }
}
