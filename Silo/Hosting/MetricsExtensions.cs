using Mesh.Grains.Interfaces.Transport;
using Mesh.Grains.Issuers;
using Mesh.Silo.Roles;
using OpenTelemetry.Metrics;

namespace Mesh.Silo.Hosting;

/// <summary>What <c>/metrics</c> shows: the mesh's own meters, Orleans', ASP.NET Core's and the runtime's.</summary>
internal static class MetricsExtensions
{
    public static void AddMeshMetrics(this IServiceCollection services)
    {
        services.AddSingleton<CertificateInstruments>();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter("Mesh.*", "Microsoft.Orleans", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddPrometheusExporter(prometheus => (prometheus.ScopeInfoEnabled, prometheus.TargetInfoEnabled) = (false, false)));
    }

    /// <summary>Makes the meters' reader first, then what would not be made before it first counts: every series is there from the start.</summary>
    public static void StartMeshMetrics(this IServiceProvider services)
    {
        services.GetRequiredService<MeterProvider>();
        services.GetRequiredService<CertificateInstruments>();
        services.GetRequiredService<IssuanceInstruments>();
        services.GetRequiredService<RoleInstruments>();
        var transport = services.GetRequiredService<TransportInstruments>();
        transport.Watch(MeshTransport.SiloPort);
        transport.Watch(MeshTransport.Gateway);
    }
}
