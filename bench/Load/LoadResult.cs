namespace Mesh.Bench.Load;

/// <summary>What one run of a load has done, all of it whole and in order.</summary>
/// <param name="Count">Bytes, requests or connections.</param>
/// <param name="Elapsed">From the first until the last was acknowledged.</param>
/// <param name="P50">Of what has a latency; else zero.</param>
internal sealed record LoadResult(long Count, TimeSpan Elapsed, TimeSpan P50, TimeSpan P99)
{
    /// <summary>A second.</summary>
    public double Rate => Count / Elapsed.TotalSeconds;
}
