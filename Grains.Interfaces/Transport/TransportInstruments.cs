using System.Diagnostics.Metrics;
using System.Net.Security;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>Refusals on Orleans' own ports. Meter <c>Mesh.Transport</c>; every name is listed in docs/metrics.md.</summary>
public sealed class TransportInstruments(IMeterFactory meters)
{
    private readonly Counter<long> _refusals = meters.Create("Mesh.Transport").CreateCounter<long>(
        "mesh.transport.refusals", "{connection}", "Connections refused on Orleans' own ports, by port.");

    internal void Refused(SslApplicationProtocol port) =>
        _refusals.Add(1, new KeyValuePair<string, object?>("port", port.ToString()));
}
