using System.Net;
using Mesh.Bench.Support;

namespace Mesh.Bench.DataPlane;

/// <summary>One way from a client to the backend: a pair of proxies, or none.</summary>
internal interface IPeer : IAsyncDisposable
{
    /// <summary>As in the figures' names.</summary>
    string Name { get; }

    /// <summary>Where a client connects.</summary>
    IPEndPoint Entrance { get; }

    /// <summary>A way between the two proxies on which one can look; null where there is nothing to see.</summary>
    TappedWay? Tapped { get; }

    /// <summary>The proxies' processes; the inbound one first.</summary>
    IReadOnlyList<int> Proxies { get; }
}

/// <param name="Entrance">Where a client connects whose bytes shall come by.</param>
/// <param name="Tap">Where the outbound proxy connects then; nobody listens there yet.</param>
/// <param name="Inbound">Where the inbound proxy listens.</param>
internal sealed record TappedWay(IPEndPoint Entrance, IPEndPoint Tap, IPEndPoint Inbound);

internal static class PeerExtensions
{
    /// <summary>The CPU time that both proxies have used.</summary>
    public static TimeSpan CpuTime(this IPeer peer) => peer.Proxies.Aggregate(TimeSpan.Zero, (sum, proxy) => sum + ProcessTime.OfAll(proxy));

    /// <summary>What the inbound proxy holds; of several processes the sum, so that what they share counts several times.</summary>
    public static (double RssMb, double AnonMb) InboundWeight(this IPeer peer) =>
        ProcessTime.Family(peer.Proxies[0]).Select(ProcessWeight.Of).Aggregate((Rss: 0.0, Anon: 0.0), (sum, one) => (sum.Rss + one.RssMb, sum.Anon + one.AnonMb));
}
