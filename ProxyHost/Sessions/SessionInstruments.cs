using System.Diagnostics.Metrics;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>What the ProxyHost refused, from zero on, and holds. Meter <c>Mesh.ProxyHost</c>; every name is listed in docs/metrics.md.</summary>
internal sealed class SessionInstruments
{
    /// <summary>The reason of a session without a certificate.</summary>
    public const string NoCertificate = "NoCertificate";

    private readonly Counter<long> _refusals;
    private readonly UpDownCounter<long> _watches;

    public SessionInstruments(IMeterFactory meters)
    {
        var meter = meters.Create("Mesh.ProxyHost");
        _refusals = meter.CreateCounter<long>("mesh.proxyhost.refusals", "{refusal}", "Connections and calls refused, by reason.");
        _watches = meter.CreateUpDownCounter<long>("mesh.proxyhost.watch_streams", "{stream}", "Watch streams that are open.");
        _watches.Add(0);
        string[] reasons = [.. Enum.GetNames<SvidRejection>().Except([nameof(SvidRejection.None)]), .. Enum.GetNames<MeshError>(), NoCertificate];
        foreach (var reason in reasons)
        {
            Count(0, reason);
        }
    }

    public void Refused(string reason) => Count(1, reason);

    public IDisposable WatchOpened()
    {
        _watches.Add(1);
        return new Watch(this);
    }

    private void Count(long refusals, string reason) => _refusals.Add(refusals, new KeyValuePair<string, object?>("reason", reason));

    private sealed class Watch(SessionInstruments instruments) : IDisposable
    {
        public void Dispose() => instruments._watches.Add(-1);
    }
}
