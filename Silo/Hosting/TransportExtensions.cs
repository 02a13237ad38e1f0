using Mesh.Grains.Interfaces.Transport;
using Mesh.Silo.Identity;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Mesh.Silo.Hosting;

/// <summary>Mutual TLS on the silo's Orleans ports.</summary>
internal static class TransportExtensions
{
    public static void UseMeshTransport(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<TransportInstruments>();
        silo.Services.AddSingleton<MeshTransport>();
        silo.Services.AddSingleton<IConfigureOptions<SiloConnectionOptions>>(services =>
            new ConfigureOptions<SiloConnectionOptions>(options =>
            {
                var transport = services.GetRequiredService<MeshTransport>();
                transport.ServerRefused += services.GetRequiredService<SiloCatchUp>().Look;
                options.ConfigureSiloInboundConnection(transport.AcceptSilos);
                options.ConfigureSiloOutboundConnection(transport.ConnectToSilos);
                options.ConfigureGatewayInboundConnection(transport.AcceptClients);
            }));
    }
}
