namespace Mesh.Proxy.Loops;

/// <summary>The event loops of a process, one a core, and the decision which of them a new connection goes to.</summary>
internal sealed class LoopGroup : IDisposable
{
    // A connection is handed over only where that evens something out: to hand it over costs a wake-up.
    private const int WorthHandingOver = 2;

    /// <summary>No process has more.</summary>
    public const int MaxLoops = 64;

    private readonly EventLoop[] _loops;

    /// <param name="count">How many; null: one a core.</param>
    public LoopGroup(int? count = null) =>
        _loops = [.. Enumerable.Range(0, Math.Min(count ?? Environment.ProcessorCount, MaxLoops)).Select(index => new EventLoop(index))];

    public IReadOnlyList<EventLoop> Loops => _loops;

    /// <summary>Where a connection that <paramref name="accepting"/> has accepted goes to: there, unless another has fewer.</summary>
    public EventLoop ChooseFor(EventLoop accepting)
    {
        var (chosen, fewest) = (accepting, accepting.Connections - WorthHandingOver);
        foreach (var loop in _loops)
        {
            if (loop.Connections < fewest)
            {
                (chosen, fewest) = (loop, loop.Connections);
            }
        }

        return chosen;
    }

    /// <summary>Has something done on each.</summary>
    public void PostAll(Action<EventLoop> action)
    {
        foreach (var loop in _loops)
        {
            loop.Post(() => action(loop));
        }
    }

    public void Dispose()
    {
        foreach (var loop in _loops)
        {
            loop.Dispose();
        }
    }
}
