using System.Text.Json;
using Mesh.Grains;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Backups;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Orleans.Serialization;
using Orleans.Storage;

namespace Mesh.Silo.Hosting;

/// <summary>
/// What is done to a store while no silo works on it, by the silo's own program and with its own options. The answer is a line of JSON on
/// stdout.
/// </summary>
internal static class Maintenance
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary><c>restore FILE</c>: a backup into an empty store.</summary>
    /// <exception cref="InvalidDataException">File, keys or store do not let it; nothing was changed.</exception>
    public static Task RestoreAsync(string file, string[] args) => RunAsync(args, async (builder, store) =>
    {
        await store.LoadKeysAsync(mayCreate: false);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSerializer();
        builder.Services.AddStore(store);
        builder.Services.AddMeshGrains();
        await using var services = builder.Services.BuildServiceProvider();
        return await new StoreRestore(store, services.GetRequiredService<IGrainStorage>(), services.GetRequiredService<TrustRestoration>())
            .RunAsync(file, CancellationToken.None);
    });

    /// <summary><c>rekey</c>: new key-encryption keys.</summary>
    /// <exception cref="InvalidDataException">The key files do not open what is sealed; nothing was changed.</exception>
    public static Task RekeyAsync(string[] args) => RunAsync(args, async (builder, store) =>
    {
        await StoreRestore.EnsureFinishedAsync(store.Database, CancellationToken.None);
        builder.Services.AddSerializer();
        await using var services = builder.Services.BuildServiceProvider();
        var row = new GrainState<TrustDomainState>(new TrustDomainState());
        await new GrainStateStorage(store.Database, services.GetRequiredService<Serializer>())
            .ReadStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(store.TrustDomain), row);
        return await new KeyStoreRekey(store.Database, store.TrustDomain, store.Folder, row.State!.Keys().Contains).RunAsync(CancellationToken.None);
    });

    private static async Task RunAsync<T>(string[] args, Func<WebApplicationBuilder, SiloStore, Task<T>> work)
    {
        var builder = SiloSetup.CreateBuilder(args);
        var (options, storeOptions) = SiloSetup.ReadOptions(builder);
        using var loggers = SiloSetup.AddLogging(builder, onStderr: true);
        await using var store = await SiloStore.OpenAsync(options, storeOptions, loggers);
        if (await store.Database.RunningSilosAsync(CancellationToken.None) is { Count: > 0 } running)
        {
            throw new InvalidDataException($"Silos work on this store: {string.Join(", ", running)}. Stop them first; one that was killed counts for half a minute more.");
        }

        Console.WriteLine(JsonSerializer.Serialize(await work(builder, store), Json));
    }
}
