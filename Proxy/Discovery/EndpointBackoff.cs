namespace Mesh.Proxy.Discovery;

/// <summary>
/// Whether an endpoint may be tried: one that has failed is set aside for a time that doubles with each further failure, and is then tried
/// by one connection at a time until one succeeds.
/// </summary>
/// <remarks>Written and read by any number of threads without a lock: it is one word.</remarks>
internal struct EndpointBackoff
{
    /// <summary>How long the first failure sets it aside; give or take a fifth, as all of these.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    /// <summary>How long it is set aside at the most while there are others.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long at the most where nothing else is left; as long as Linkerd waits. After a single failure it is tried again at once then: one
    /// connection that went wrong must not cost those after it.
    /// </summary>
    public static readonly TimeSpan LongestOfTheLast = TimeSpan.FromMilliseconds(500);

    /// <summary>A connection that tries it and is not heard of for so long tries it no more: the longest time for a connect, and for a handshake.</summary>
    public static readonly TimeSpan TrialLimit = TimeSpan.FromSeconds(90);

    private const int FailureBits = 8;
    private const int DelayBits = 16;
    private const int MaxFailures = (1 << FailureBits) - 1;

    // 0: nothing is wrong. Else since when (high bits), for how many milliseconds, whether one tries it now, and the failures in a row.
    private long _state;

    /// <param name="now">By <see cref="EndpointClock"/>.</param>
    /// <param name="isLast">Nothing else is left to try.</param>
    public readonly bool MayTry(long now, bool isLast) => MayTry(Read(Volatile.Read(in _state)), now, isLast);

    /// <summary>Begins to try it, where it may be. One that was set aside is nobody else's to try until the outcome is told.</summary>
    /// <param name="now">By <see cref="EndpointClock"/>.</param>
    /// <param name="isLast">Nothing else is left to try.</param>
    /// <param name="isTrial">It was set aside, and whoever asks is the one that tries it.</param>
    public bool TryBegin(long now, bool isLast, out bool isTrial)
    {
        var before = Volatile.Read(ref _state);
        var state = Read(before);
        isTrial = before != 0;
        return !isTrial
            || (MayTry(state, now, isLast)
                && Interlocked.CompareExchange(ref _state, Write(state with { Since = now, IsTried = true }), before) == before);
    }

    /// <summary>A connection has been opened.</summary>
    public void Succeeded()
    {
        if (Volatile.Read(ref _state) != 0)
        {
            Volatile.Write(ref _state, 0);
        }
    }

    /// <summary>A connection could not be opened. Of many that fail together one counts.</summary>
    /// <param name="now">By <see cref="EndpointClock"/>.</param>
    /// <param name="isTrial">As <see cref="TryBegin"/> said.</param>
    /// <param name="draw">0 to 1, at random.</param>
    public void Failed(long now, bool isTrial, double draw)
    {
        var before = Volatile.Read(ref _state);
        if (before == 0 || isTrial)
        {
            var failures = Math.Min(MaxFailures, Read(before).Failures + 1);
            // Where another thread was quicker, it has said the same, or that there is a connection.
            Interlocked.CompareExchange(ref _state, Write(new State(now, (int)After(failures, draw).TotalMilliseconds, false, failures)), before);
        }
    }

    /// <summary>The connection was given up for a reason of its own: the next one may try.</summary>
    public void Abandoned(bool isTrial)
    {
        var before = Volatile.Read(ref _state);
        if (isTrial && before != 0)
        {
            Interlocked.CompareExchange(ref _state, Write(Read(before) with { IsTried = false, Delay = 0 }), before);
        }
    }

    /// <summary>How long so many failures in a row set it aside.</summary>
    internal static TimeSpan After(int failures, double draw)
    {
        var doubled = Shortest.TotalMilliseconds * Math.Pow(2, failures - 1);
        return TimeSpan.FromMilliseconds(Math.Min(doubled, Longest.TotalMilliseconds) * (0.8 + (0.4 * draw)));
    }

    private static bool MayTry(State state, long now, bool isLast) => state.Failures == 0
        || now - state.Since >= (state.IsTried ? (long)TrialLimit.TotalMilliseconds
            : isLast && state.Failures == 1 ? 0
            : isLast ? Math.Min(state.Delay, (long)LongestOfTheLast.TotalMilliseconds)
            : state.Delay);

    private static State Read(long word) => new(
        word >> (FailureBits + 1 + DelayBits), (int)(word >> (FailureBits + 1)) & ((1 << DelayBits) - 1), (word >> FailureBits & 1) != 0, (int)word & MaxFailures);

    private static long Write(State state) =>
        (state.Since << (FailureBits + 1 + DelayBits)) | ((long)state.Delay << (FailureBits + 1)) | (state.IsTried ? 1L << FailureBits : 0) | (uint)state.Failures;

    private readonly record struct State(long Since, int Delay, bool IsTried, int Failures);
}
