using Mesh.Grains.Certificates;
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

    private MeshCluster(InProcessTestCluster cluster, FakeTimeProvider clock, SharedGrainStorage storage, MemoryIssuanceStore issuance) =>
        (_cluster, Clock, Storage, Issuance) = (cluster, clock, storage, issuance);

    public FakeTimeProvider Clock { get; }

    public SharedGrainStorage Storage { get; }

    public MemoryIssuanceStore Issuance { get; }

    public IGrainFactory Grains => _cluster.Client;

    public ITrustDomainGrain Trust => Grains.GetGrain<ITrustDomainGrain>(TrustDomain.Name);

    public IServiceProvider Services => _cluster.Silos[0].ServiceProvider;

    public static async Task<MeshCluster> StartAsync()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var (storage, issuance, keys) = (new SharedGrainStorage(), new MemoryIssuanceStore(), new MemoryKeyStore());
        var builder = new InProcessTestClusterBuilder(initialSilosCount: 1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            silo.Services.AddMetrics().AddMeshGrains().AddSingleton<TrustGenesis>();
            silo.Services.AddSingleton<IKeyStore>(keys);
            silo.Services.AddSingleton<IIssuanceStore>(issuance);
            silo.Services.AddSingleton<IGrainStorage>(services =>
            {
                storage.Serializer = services.GetRequiredService<Serializer>();
                return storage;
            });
            silo.Services.AddKeyedSingleton("Default", (services, _) => services.GetRequiredService<IGrainStorage>());
            silo.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(clock));
            silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            silo.Services.AddKeyedSingleton<TimeProvider>(ReminderTimeProviderNames.Reminders, clock);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        var mesh = new MeshCluster(cluster, clock, storage, issuance);
        await mesh.Services.GetRequiredService<TrustGenesis>().CreateOrLoadAsync(TrustDomain, CancellationToken.None);
        return mesh;
    }

    public async Task<TrustBundle> BundleAsync() => SignedBundle.Parse((await Trust.GetBundleAsync()).SignedBundle).Bundle;

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
