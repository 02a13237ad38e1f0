using System.Diagnostics.Metrics;

namespace Mesh.Silo.Roles;

/// <summary>Calls that silos refused. Meter <c>Mesh.Silo</c>; every name is listed in docs/metrics.md.</summary>
internal sealed class RoleInstruments
{
    private readonly Counter<long> _refusals;

    public RoleInstruments(IMeterFactory meters)
    {
        _refusals = meters.Create("Mesh.Silo").CreateCounter<long>("mesh.silo.call.refusals", "{call}", "Grain calls refused, as no silo made them.");
        _refusals.Add(0);
    }

    public void Refused() => _refusals.Add(1);
}
