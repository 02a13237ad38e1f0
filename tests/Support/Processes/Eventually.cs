namespace Mesh.Tests.Processes;

/// <summary>Waits for something that has no other signal: 60 s at the most, and tells what it last saw.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<Task<bool>> condition, string what) =>
        UntilAsync(condition, seen => seen, what);

    public static Task TrueAsync(Func<bool> condition, string what) =>
        UntilAsync(() => Task.FromResult(condition()), seen => seen, what);

    /// <summary>The first value that is good enough.</summary>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> look, Func<T, bool> isGood, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (isGood(seen))
            {
                return seen;
            }

            if (TimeProvider.System.GetElapsedTime(started) > Limit)
            {
                throw new TimeoutException($"Waited {Limit.TotalSeconds} s in vain: {what}. Last seen: {seen}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System);
        }
    }
}
