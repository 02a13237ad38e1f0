namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A silo and a ProxyHost whose limits are so low that a test can reach each.</summary>
public sealed class TightMesh : IAsyncLifetime
{
    public const int ConnectionsPerIdentity = 8;
    public const int CallsPerSecond = 50;
    public const int WatchesPerIdentity = 4;
    public const int ServicesPerIdentity = 10;

    internal MeshUnderTest Mesh { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Mesh = await MeshUnderTest.StartAsync(
        [],
        [
            $"--ProxyHost:MaxConnectionsPerIdentity={ConnectionsPerIdentity}", $"--ProxyHost:CallsPerSecond={CallsPerSecond}",
            $"--ProxyHost:MaxWatchesPerIdentity={WatchesPerIdentity}", $"--ProxyHost:MaxServicesPerIdentity={ServicesPerIdentity}",
            "--ProxyHost:WriteTimeout=00:00:02", "--ProxyHost:UnprovenLifetime=00:00:02", "--ProxyHost:CallTimeout=00:00:05",
        ]);

    public async ValueTask DisposeAsync()
    {
        if (Mesh is not null)
        {
            await Mesh.DisposeAsync();
        }
    }
}
