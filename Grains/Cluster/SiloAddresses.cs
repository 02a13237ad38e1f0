using System.Diagnostics.CodeAnalysis;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Mesh.Grains.Cluster;

/// <summary>Where ProxyHosts find a silo; told to the other silos as its metadata.</summary>
/// <param name="Gateway">IP:PORT.</param>
/// <param name="Enrollment">https://HOST:PORT.</param>
internal sealed record SiloAddresses(string Gateway, string Enrollment)
{
    private const string GatewayKey = "mesh.gateway";
    private const string EnrollmentKey = "mesh.enrollment";

    public Dictionary<string, string> ToMetadata() => new() { [GatewayKey] = Gateway, [EnrollmentKey] = Enrollment };

    /// <summary>False where a silo's metadata have not arrived yet.</summary>
    public static bool TryRead(SiloMetadata metadata, [NotNullWhen(true)] out SiloAddresses? addresses)
    {
        addresses = metadata.Metadata.TryGetValue(GatewayKey, out var gateway) && metadata.Metadata.TryGetValue(EnrollmentKey, out var enrollment)
            ? new SiloAddresses(gateway, enrollment)
            : null;
        return addresses is not null;
    }
}
