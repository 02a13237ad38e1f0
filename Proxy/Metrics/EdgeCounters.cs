namespace Mesh.Proxy.Metrics;

/// <summary>What passed over one edge since the proxy started. Every connection of the edge adds to it.</summary>
internal sealed class EdgeCounters
{
    private long _opened;
    private long _closed;
    private long _failed;
    private long _refused;
    private long _fromOpener;
    private long _toOpener;

    public void Opened() => Interlocked.Increment(ref _opened);

    /// <param name="cleanly">Both sides said that they were done.</param>
    public void Closed(bool cleanly)
    {
        Interlocked.Increment(ref _closed);
        if (!cleanly)
        {
            Interlocked.Increment(ref _failed);
        }
    }

    public void Refused() => Interlocked.Increment(ref _refused);

    public void FromOpener(long bytes) => Interlocked.Add(ref _fromOpener, bytes);

    public void ToOpener(long bytes) => Interlocked.Add(ref _toOpener, bytes);

    public EdgeSnapshot Snapshot()
    {
        var closed = Interlocked.Read(ref _closed);
        var opened = Interlocked.Read(ref _opened);
        return new EdgeSnapshot(
            opened, opened - closed, closed, Interlocked.Read(ref _failed), Interlocked.Read(ref _refused),
            Interlocked.Read(ref _fromOpener), Interlocked.Read(ref _toOpener));
    }
}

/// <summary>The sums of one moment.</summary>
internal readonly record struct EdgeSnapshot(long Opened, long Open, long Closed, long Failed, long Refused, long FromOpener, long ToOpener)
{
    public static EdgeSnapshot operator +(EdgeSnapshot one, EdgeSnapshot other) => new(
        one.Opened + other.Opened, one.Open + other.Open, one.Closed + other.Closed, one.Failed + other.Failed, one.Refused + other.Refused,
        one.FromOpener + other.FromOpener, one.ToOpener + other.ToOpener);
}
