using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;

namespace Mesh.Proxy.Transport;

/// <summary>Carries bytes both ways between two ends until both are done. Each direction ends by itself; an error ends both.</summary>
internal static class ConnectionPump
{
    // Then the loop's other connections come first: a connection that has much to carry must not keep them waiting.
    private const int MaxBatchesInTurn = 4;

    private enum Pause
    {
        UntilReadable,
        UntilWritable,
        UntilNextTurn,
        Ended,
        Failed,
    }

    /// <returns>Whether both sides said that they were done.</returns>
    public static async Task<bool> RunAsync(ConnectionEnd opener, ConnectionEnd acceptor, EdgeCounters counters)
    {
        var there = CopyAsync(opener, acceptor, counters, isFromOpener: true);
        var back = CopyAsync(acceptor, opener, counters, isFromOpener: false);
        // Both, whatever becomes of the first.
        var isClean = await there & await back;
        opener.Socket.ForgetReader();
        acceptor.Socket.ForgetReader();
        return isClean;
    }

    private static async Task<bool> CopyAsync(ConnectionEnd from, ConnectionEnd to, EdgeCounters counters, bool isFromOpener)
    {
        while (true)
        {
            var isOpen = true;
            switch (Move(from, to, counters, isFromOpener))
            {
                case Pause.UntilReadable:
                    isOpen = await from.Socket.ReadableAsync();
                    break;
                case Pause.UntilWritable:
                    isOpen = await to.Socket.WritableAsync() && to.Flush();
                    break;
                case Pause.UntilNextTurn:
                    await from.Socket.Loop.NextTurn();
                    break;
                case Pause.Ended when await to.FinishAsync():
                    EndWhenReset(from, to);
                    return true;
                default:
                    isOpen = false;
                    break;
            }

            if (!isOpen)
            {
                from.Abort();
                to.Abort();
                return false;
            }
        }
    }

    // Nobody reads any more from a side that is done, and so nobody hears of its reset, though the other side may be silent for ever.
    private static void EndWhenReset(ConnectionEnd done, ConnectionEnd other)
    {
        if (done.Socket.HasFailed)
        {
            done.Abort();
            other.Abort();
        }
        else if (!done.Socket.IsClosed)
        {
            done.Socket.WhenReadable(() => EndWhenReset(done, other));
        }
    }

    // One step, and why it goes no further.
    private static Pause Move(ConnectionEnd from, ConnectionEnd to, EdgeCounters counters, bool isFromOpener)
    {
        var scratch = from.Socket.Loop.Scratch.AsSpan();
        var headroom = to.Headroom;
        for (var batch = 0; batch < MaxBatchesInTurn; batch++)
        {
            if (to.HasKept)
            {
                return Pause.UntilWritable;
            }

            var count = from.Read(scratch[headroom..], out var start);
            if (count <= 0)
            {
                return count switch
                {
                    0 => Pause.Ended,
                    LoopSocket.WouldBlock when from.Socket.IsReadable => Pause.UntilNextTurn,
                    LoopSocket.WouldBlock => Pause.UntilReadable,
                    _ => Pause.Failed,
                };
            }

            if (!to.Write(scratch.Slice(start, headroom + count)))
            {
                return Pause.Failed;
            }

            Count(counters, isFromOpener, count);
        }

        return Pause.UntilNextTurn;
    }

    private static void Count(EdgeCounters counters, bool isFromOpener, int count)
    {
        if (isFromOpener)
        {
            counters.FromOpener(count);
        }
        else
        {
            counters.ToOpener(count);
        }
    }
}
