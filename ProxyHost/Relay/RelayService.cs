namespace Mesh.ProxyHost.Relay;

/// <summary>Runs the relay while the ProxyHost does.</summary>
internal sealed class RelayService(MeshRelay relay) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stop = stoppingToken.Register(relay.Dispose);
        await relay.RunAsync();
    }
}
