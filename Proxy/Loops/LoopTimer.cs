namespace Mesh.Proxy.Loops;

/// <summary>Something to be done by a loop after a while. Setting it again moves it; used on its loop's thread alone.</summary>
internal sealed class LoopTimer(LoopTimers timers, Action due)
{
    internal LoopTimer? Previous { get; set; }

    internal LoopTimer? Next { get; set; }

    /// <summary>The tick that it is due at; -1: it is not set.</summary>
    internal long DueTick { get; set; } = -1;

    internal Action Due => due;

    /// <summary>Has it come due after a while, with a grain of 16 ms.</summary>
    public void Set(TimeSpan after)
    {
        Cancel();
        timers.Add(this, after);
    }

    /// <summary>It will not come due.</summary>
    public void Cancel()
    {
        if (DueTick >= 0)
        {
            timers.Remove(this);
        }
    }
}
