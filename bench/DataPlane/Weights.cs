using Mesh.Bench.Load;

namespace Mesh.Bench.DataPlane;

/// <summary>What the inbound proxy of a peer holds in memory, MiB.</summary>
/// <param name="IdleRss">With nothing carried yet.</param>
/// <param name="Added">What a thousand open connections add to the resident set; each has carried a request and its answer.</param>
internal sealed record Weights(double IdleRss, double IdleAnon, double Added)
{
    private const int Connections = 1_000;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>The peer must not have carried anything before.</summary>
    public static async Task<Weights> OfAsync(IPeer peer, CancellationToken cancellationToken)
    {
        await Task.Delay(Settling, TimeProvider.System, cancellationToken);
        var (idleRss, idleAnon) = peer.InboundWeight();
        using var held = RequestLoad.Open(peer.Entrance, Connections);
        await Task.Delay(Settling, TimeProvider.System, cancellationToken);
        return new Weights(idleRss, idleAnon, peer.InboundWeight().RssMb - idleRss);
    }
}
