namespace Mesh.Proxy.Loops;

/// <summary>The timers of one loop: a hashed wheel, so that setting and cancelling cost the same however many there are.</summary>
internal sealed class LoopTimers
{
    private const int Slots = 1_024;
    private const int TickMilliseconds = 16;

    private readonly LoopTimer?[] _slots = new LoopTimer?[Slots];
    private readonly long _began = Environment.TickCount64;
    private long _tick;
    private long _earliest = long.MaxValue;
    private int _count;

    /// <summary>How long to wait for the next one, in milliseconds; -1: there is none.</summary>
    public int Wait => _count == 0 ? -1 : (int)Math.Clamp(_began + _earliest * TickMilliseconds - Environment.TickCount64, 0, 60_000);

    /// <summary>Does what has come due.</summary>
    public void Advance()
    {
        var now = (Environment.TickCount64 - _began) / TickMilliseconds;
        if (_count == 0 || now < _earliest)
        {
            _tick = now;
            return;
        }

        // After a long pause each slot is looked at once.
        for (var tick = Math.Max(_tick, now - Slots + 1); tick <= now; tick++)
        {
            Fire(tick, now);
        }

        _tick = now;
        _earliest = FindEarliest();
    }

    internal void Add(LoopTimer timer, TimeSpan after)
    {
        var due = (Environment.TickCount64 - _began + (long)after.TotalMilliseconds) / TickMilliseconds + 1;
        timer.DueTick = due;
        ref var head = ref _slots[due % Slots];
        (timer.Previous, timer.Next) = (null, head);
        if (head is not null)
        {
            head.Previous = timer;
        }

        head = timer;
        _count++;
        _earliest = Math.Min(_earliest, due);
    }

    internal void Remove(LoopTimer timer)
    {
        if (timer.Previous is { } previous)
        {
            previous.Next = timer.Next;
        }
        else
        {
            _slots[timer.DueTick % Slots] = timer.Next;
        }

        if (timer.Next is { } next)
        {
            next.Previous = timer.Previous;
        }

        (timer.Previous, timer.Next, timer.DueTick) = (null, null, -1);
        _count--;
    }

    private void Fire(long tick, long now)
    {
        var timer = _slots[tick % Slots];
        while (timer is not null)
        {
            if (timer.DueTick > now)
            {
                // Of a later turn of the wheel.
                timer = timer.Next;
                continue;
            }

            Remove(timer);
            timer.Due();
            // What was due may have set and cancelled others of this slot.
            timer = _slots[tick % Slots];
        }
    }

    // A bound from below: the nearest slot that holds anything, though it may be of a later turn.
    private long FindEarliest()
    {
        for (var ahead = 1; _count > 0 && ahead <= Slots; ahead++)
        {
            if (_slots[(_tick + ahead) % Slots] is not null)
            {
                return _tick + ahead;
            }
        }

        return long.MaxValue;
    }
}
