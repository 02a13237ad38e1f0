using System.Diagnostics.Metrics;
using System.Net.Security;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>Refusals on Orleans' own ports. Meter <c>Mesh.Transport</c>; every name is listed in docs/metrics.md.</summary>
public sealed class TransportInstruments(IMeterFactory meters)
{
    private readonly Counter<long> _refusals = meters.Create("Mesh.Transport").CreateCounter<long>(
        "mesh.transport.refusals", "{connection}", "Connections refused on Orleans' own ports, by port.");

    /// <summary>Shows a port's refusals before there are any.</summary>
    public void Watch(SslApplicationProtocol port) => Count(0, port);

    internal void Refused(SslApplicationProtocol port) => Count(1, port);

    private void Count(long refusals, SslApplicationProtocol port) =>
        _refusals.Add(refusals, new KeyValuePair<string, object?>("port", port.ToString()));
}
