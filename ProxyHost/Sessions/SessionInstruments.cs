using Prometheus;

namespace Mesh.ProxyHost.Sessions;

/// <summary>What the ProxyHost refused and holds. Every name is listed in docs/metrics.md.</summary>
internal sealed class SessionInstruments
{
    private readonly Counter _refusals = Metrics.CreateCounter(
        "mesh_proxyhost_refusals_total", "Connections and calls refused, by reason.", "reason");

    private readonly Gauge _watches = Metrics.CreateGauge("mesh_proxyhost_watch_streams", "Watch streams that are open.");

    public void Refused(string reason) => _refusals.WithLabels(reason).Inc();

    public IDisposable WatchOpened() => _watches.TrackInProgress();
}
