using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuance;
using Mesh.Grains.Keys;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Reminders;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace Mesh.Grains.Tests.Support;

/// <summary>A real in-process silo whose grain and reminder clocks the test owns; its stores live outside it.</summary>
internal sealed class MeshCluster : IAsyncDisposable
{
    public static readonly TrustDomainName TrustDomain = TrustDomainName.Parse("east.mesh.example");

    private readonly InProcessTestCluster _cluster;

    private MeshCluster(InProcessTestCluster cluster, MeshStores stores) => (_cluster, Stores) = (cluster, stores);

    public MeshStores Stores { get; }

    public FakeTimeProvider Clock => Stores.Clock;

    public MemoryIssuanceStore Issuance => Stores.Issuance;

    public IGrainFactory Grains => _cluster.Client;

    /// <summary>Renews one certificate, as a ProxyHost does that has no other waiting.</summary>
    public async Task<IssuedSvid> RenewAsync(SignRequest request) =>
        (await Grains.GetGrain<IRenewalGrain>(IRenewalGrain.KeyOf(TrustDomain.Name, 0)).RenewAsync([request]))[0].OrThrow();

    public ITrustDomainGrain Trust => Grains.GetGrain<ITrustDomainGrain>(TrustDomain.Name);

    public IServiceProvider Services => _cluster.Silos[0].ServiceProvider;

    /// <param name="stores">Those of an earlier cluster, for a restart; null: empty ones.</param>
    /// <param name="silos">How many.</param>
    /// <param name="createTrustDomain">False: the store stays empty.</param>
    /// <param name="configure">Options other than the defaults.</param>
    public static async Task<MeshCluster> StartAsync(
        MeshStores? stores = null, short silos = 1, bool createTrustDomain = true, Action<IServiceCollection>? configure = null)
    {
        stores ??= new MeshStores();
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddReminders();
            silo.Services.AddSingleton<IReminderTable>(stores.Reminders);
            silo.AddOutgoingGrainCallFilter<OneWayCalls>();
            silo.Services.AddMetrics().AddMeshGrains().AddSingleton<TrustGenesis>();
            configure?.Invoke(silo.Services);
            silo.Services.AddSingleton<IKeyStore>(stores.Keys);
            silo.Services.AddSingleton<IIssuanceStore>(stores.Issuance);
            silo.Services.AddSingleton<IGrainStorage>(services =>
            {
                stores.Storage.Serializer = services.GetRequiredService<Serializer>();
                return stores.Storage;
            });
            silo.Services.AddKeyedSingleton("Default", (services, _) => services.GetRequiredService<IGrainStorage>());
            silo.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(stores.Clock));
            silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            silo.Services.AddKeyedSingleton<TimeProvider>(ReminderTimeProviderNames.Reminders, stores.Clock);
            // Above the largest jump of a test's clock, or reminders in between are not loaded.
            silo.Configure<ReminderOptions>(reminders => reminders.ReminderLoadingWindow = TimeSpan.FromDays(60));
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        var mesh = new MeshCluster(cluster, stores);
        if (createTrustDomain)
        {
            await mesh.Services.GetRequiredService<TrustGenesis>().CreateOrLoadAsync(TrustDomain, CancellationToken.None);
        }

        return mesh;
    }

    /// <summary>Kills a silo outright.</summary>
    public Task KillAsync(int silo) => _cluster.KillSiloAsync(_cluster.Silos[silo]);

    public Task<InProcessSiloHandle> AddSiloAsync() => _cluster.StartAdditionalSiloAsync();

    public int Silos => _cluster.Silos.Count;

    public async Task<TrustBundle> BundleAsync() => SignedBundle.Parse((await Trust.GetBundleAsync()).SignedBundle).Bundle;

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
