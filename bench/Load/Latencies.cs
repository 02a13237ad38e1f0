namespace Mesh.Bench.Load;

/// <summary>Latencies in microseconds, in a table that is there beforehand: what is measured waits for no allocation.</summary>
internal sealed class Latencies
{
    // Below, exactly; above, with everything else that is far too slow.
    private const int Most = 1_000_000;

    private readonly int[] _counts = new int[Most + 1];

    public long Count { get; private set; }

    public void Add(TimeSpan latency)
    {
        _counts[(int)Math.Min(latency.Ticks / TimeSpan.TicksPerMicrosecond, Most)]++;
        Count++;
    }

    public LoadResult ToResult(TimeSpan elapsed) => new(Count, elapsed, Quantile(0.5), Quantile(0.99));

    private TimeSpan Quantile(double part)
    {
        var (below, microseconds) = (0L, 0);
        while (microseconds < Most && (below += _counts[microseconds]) <= (long)(Count * part))
        {
            microseconds++;
        }

        return TimeSpan.FromMicroseconds(microseconds);
    }
}
