using Mesh.Grains;
using Mesh.Grains.Issuance;
using Mesh.Grains.Keys;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;

namespace Mesh.Silo.Hosting;

/// <summary>The Orleans side of a silo: in-process membership, state and reminders in the embedded store.</summary>
internal static class OrleansExtensions
{
    /// <summary>Orleans' names for the cluster; ProxyHosts are told them when they enroll.</summary>
    public const string ServiceId = "mesh-orleans";

    public static void AddEmbeddedStore(this IServiceCollection services, SqliteDatabase database)
    {
        services.AddSingleton(database);
        services.AddSingleton<IIssuanceStore, SqliteIssuanceStore>();
        services.AddSingleton<IGrainStorage>(provider => new SqliteGrainStorage(database, provider.GetRequiredService<Serializer>()));
        services.AddKeyedSingleton(
            "Default", (provider, _) => provider.GetRequiredService<IGrainStorage>());
    }

    public static void AddKeyStore(this IServiceCollection services, SiloOptions options, SqliteDatabase database, KeyEncryptionKey keyEncryption, KeyEncryptionKey anchorEncryption) =>
        services.AddSingleton<IKeyStore>(new SealedKeyStore(database, options.TrustDomainName, keyEncryption, anchorEncryption));

    public static void AddMeshSilo(this ISiloBuilder silo, SiloOptions options, SqliteDatabase database)
    {
        silo.UseLocalhostClustering(
            options.SiloPort, options.GatewayPort, primarySiloEndpoint: null, ServiceId, clusterId: options.TrustDomain);
        silo.AddReminders();
        silo.UseAdoNetReminderService(reminders =>
        {
            reminders.Invariant = "System.Data.SQLite";
            reminders.ConnectionString = database.ConnectionString;
        });
        silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromMinutes(15));
        silo.Services.AddMeshGrains();
        silo.Services.AddSingleton<TrustGenesis>();
    }
}
