using System.Collections.Concurrent;

namespace Mesh.Bench.Soak;

/// <summary>What both ends of all connections have seen.</summary>
internal sealed class SoakFindings
{
    private const int MostComplaints = 20;

    private long _connections;
    private long _bytes;
    private long _wrong;
    private long _cutShort;
    private long _failed;
    private long _stalled;

    public long Connections => Volatile.Read(ref _connections);

    /// <summary>Received and compared, by both ends.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Connections with a byte that is not the one that was sent, or with too many.</summary>
    public long Wrong => Volatile.Read(ref _wrong);

    /// <summary>Connections that ended as if all had been said when it had not.</summary>
    public long CutShort => Volatile.Read(ref _cutShort);

    /// <summary>Connections that were reset, or not made, though nobody aborted.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Connections on which nothing happened any more.</summary>
    public long Stalled => Volatile.Read(ref _stalled);

    /// <summary>The first few that did not go as they should, in words.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();

    /// <param name="bytes">Heard and compared.</param>
    /// <param name="where">For whoever looks into it.</param>
    public void Add(SoakOutcome outcome, long bytes, string where)
    {
        if (outcome != SoakOutcome.Whole && Complaints.Count < MostComplaints)
        {
            Complaints.Enqueue($"{outcome}: {where}");
        }

        Interlocked.Add(ref _bytes, bytes);
        switch (outcome)
        {
            case SoakOutcome.Wrong:
                Interlocked.Increment(ref _wrong);
                break;
            case SoakOutcome.CutShort:
                Interlocked.Increment(ref _cutShort);
                break;
            case SoakOutcome.Reset:
                Interlocked.Increment(ref _failed);
                break;
            case SoakOutcome.Stalled:
                Interlocked.Increment(ref _stalled);
                break;
        }
    }

    public void AddConnection() => Interlocked.Increment(ref _connections);
}

/// <summary>How a connection went, as one of its ends saw it.</summary>
internal enum SoakOutcome
{
    Whole,
    Wrong,
    CutShort,
    Reset,
    Stalled,
}
