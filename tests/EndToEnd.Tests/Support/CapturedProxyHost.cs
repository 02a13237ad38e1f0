using System.Net;
using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Transport;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>An Orleans client that holds a ProxyHost's certificate, and says to the silos whatever the test wants.</summary>
internal sealed class CapturedProxyHost : IAsyncDisposable
{
    private readonly IHost _host;

    private CapturedProxyHost(IHost host) => _host = host;

    public IGrainFactory Grains => _host.Services.GetRequiredService<IClusterClient>();

    public static async Task<CapturedProxyHost> StartAsync(MeshUnderTest mesh, string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await TestProxyHost.ConnectAndEnrollAsync(
            mesh, await mesh.ProxyHostTokenAsync(name), SpiffeId.ForProxyHost(mesh.TrustDomainName, name), key);
        var identity = new Identity(
            SvidCredential.Create([.. answer.Chain.Select(der => der.Memory)], key), SignedBundle.Parse(answer.SignedBundle).Bundle);
        var host = new HostBuilder()
            .ConfigureLogging(log => log.ClearProviders())
            .UseOrleansClient(client =>
            {
                client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, mesh.GatewayPort));
                client.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (answer.ClusterId, answer.ServiceId));
                client.Services.AddMetrics();
                client.Services.AddSingleton<IControlPlaneIdentity>(identity).AddSingleton<TransportInstruments>().AddSingleton<MeshTransport>();
                client.Services.AddSingleton<IConfigureOptions<ClientConnectionOptions>>(services => new ConfigureOptions<ClientConnectionOptions>(
                    connections => connections.ConfigureConnection(services.GetRequiredService<MeshTransport>().ConnectToGateways)));
            })
            .Build();
        await host.StartAsync();
        return new CapturedProxyHost(host);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private sealed class Identity(SvidCredential credential, TrustBundle bundle) : IControlPlaneIdentity
    {
        public SvidCredential Credential => credential;

        public TrustBundle Bundle => bundle;

        public SvidVerifier Verifier { get; } = new(TimeProvider.System);
    }
}
