using System.Net;

namespace Mesh.Bench.DataPlane;

/// <summary>No proxy: the limit of load, backend and machine.</summary>
internal sealed class DirectLine(IPEndPoint backend) : IPeer
{
    public string Name => "direct";

    public IPEndPoint Entrance => backend;

    public TappedWay? Tapped => null;

    public IReadOnlyList<int> Proxies => [];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
