using Mesh.Bench.Support;

namespace Mesh.Bench.DataPlane;

/// <param name="Duration">Of one run.</param>
/// <param name="Only">Workloads, <see cref="ProxyBench.Memory"/>, <see cref="ProxyBench.Ready"/>; empty: all.</param>
/// <param name="Peers">Whom to measure; empty: all.</param>
/// <param name="Program">The proxy that is measured.</param>
/// <param name="Suite">The cipher suite of all; null: each one's own.</param>
internal sealed record ProxyBenchSettings(
    TimeSpan Duration, int Rounds, IReadOnlyList<string> Only, IReadOnlyList<string> Peers, ProxyProgram Program, string? Suite)
{
    public bool Wants(string name) => Only.Count == 0 || Only.Contains(name);

    public bool Measures(string peer) => Peers.Count == 0 || Peers.Contains(peer);

    /// <summary>A bound that the native binary has; the ordinary build carries a compiler along.</summary>
    public double? OfNative(double bound) => Program.Binary is null ? null : bound;
}
