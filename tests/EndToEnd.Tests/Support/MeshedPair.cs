namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Two meshed workloads: a client's proxy with one outbound listener, and a server's in front of an echo application.</summary>
internal sealed class MeshedPair : IAsyncDisposable
{
    private MeshedPair(EchoApplication application, string service, ProxyUnderTest server, ProxyUnderTest client) =>
        (Application, Service, Server, Client) = (application, service, server, client);

    public EchoApplication Application { get; }

    public string Service { get; }

    public ProxyUnderTest Server { get; }

    public ProxyUnderTest Client { get; }

    /// <summary>Where the client's application connects.</summary>
    public string Entrance => Client.Outbound(Service);

    public static async Task<MeshedPair> StartAsync(MeshUnderTest mesh, string name, bool isNative = false, params string[] settings)
    {
        var application = new EchoApplication();
        var service = $"{name}-server.shop:7000";
        var server = await mesh.LaunchProxyAsync($"{name}-server", application.Address, [], settings, isNative);
        await mesh.SetServiceAsync(service, server.Inbound, server.Id);
        var client = await mesh.LaunchProxyAsync($"{name}-client", null, [service], settings, isNative);
        await Http.UntilReadyAsync(server.Admin);
        await Http.UntilReadyAsync(client.Admin);
        await client.Process.SaysAsync($"Service {service}, version ");
        return new MeshedPair(application, service, server, client);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.Process.DisposeAsync();
        await Server.Process.DisposeAsync();
        await Application.DisposeAsync();
    }
}
