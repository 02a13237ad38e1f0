namespace Mesh.Proxy.Discovery;

/// <summary>
/// How long an endpoint takes to accept a connection, as Linkerd estimates it: a slower one than expected counts at once, a faster one
/// little by little, and what was seen long ago hardly.
/// </summary>
/// <remarks>Written and read by any number of threads without a lock: estimate and time are one word.</remarks>
internal struct PeakEwma
{
    /// <summary>After this time an observation has 1/e of its weight left.</summary>
    public static readonly TimeSpan Decay = TimeSpan.FromSeconds(10);

    /// <summary>
    /// What is faster counts like this: below it differences are chance, and an estimate that has faded must not hide how many connections are
    /// open. An endpoint that nothing is known of counts like this too, or it would not be tried while the others have little to do.
    /// </summary>
    public static readonly TimeSpan Floor = TimeSpan.FromMilliseconds(1);

    // 16 ms: the sign bit then comes after more than a year without an observation.
    private const int TickBits = 4;

    // High half: microseconds, a float, never 0 once something was observed. Low half: when, in ticks of 16 ms.
    private long _state;

    /// <param name="took">From the first packet to the end of the handshake.</param>
    /// <param name="now">By <see cref="EndpointClock"/>.</param>
    public void Observe(TimeSpan took, long now)
    {
        while (true)
        {
            var before = Volatile.Read(ref _state);
            var next = After(before, Math.Max(1, took.TotalMicroseconds), now);
            if (Interlocked.CompareExchange(ref _state, next, before) == before)
            {
                return;
            }
        }
    }

    /// <summary>What is expected of the next connection, in microseconds; <see cref="Floor"/> or more.</summary>
    public readonly double Estimate(long now)
    {
        var state = Volatile.Read(in _state);
        return state == 0 ? Floor.TotalMicroseconds : Math.Max(Floor.TotalMicroseconds, Micros(state) * Weight(state, now));
    }

    private static long After(long before, double micros, long now)
    {
        var (estimate, weight) = before == 0 ? (0, 0) : (Micros(before), Weight(before, now));
        var next = micros >= estimate ? micros : (estimate * weight) + (micros * (1 - weight));
        return ((long)BitConverter.SingleToInt32Bits((float)next) << 32) | (uint)Ticks(now);
    }

    private static double Micros(long state) => BitConverter.Int32BitsToSingle((int)(state >> 32));

    // A thread that has read the clock before another one's observation sees no time passed.
    private static double Weight(long state, long now) =>
        Math.Exp(-Math.Max(0L, (long)unchecked(Ticks(now) - (int)state) << TickBits) / Decay.TotalMilliseconds);

    private static int Ticks(long now) => unchecked((int)(now >> TickBits));
}
