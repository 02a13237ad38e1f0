using System.Diagnostics.Metrics;

namespace Mesh.Silo.Roles;

/// <summary>Calls of clients that the silos refused. Meter <c>Mesh.Silo</c>; every name is listed in docs/metrics.md.</summary>
internal sealed class RoleInstruments(IMeterFactory meters)
{
    private readonly Counter<long> _refusals = meters.Create("Mesh.Silo").CreateCounter<long>(
        "mesh.silo.call.refusals", "{call}", "Grain calls of clients refused, by interface.");

    public void Refused(string @interface) => _refusals.Add(1, new KeyValuePair<string, object?>("interface", @interface));
}
