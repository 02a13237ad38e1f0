namespace Mesh.Proxy.Tests.Support;

/// <summary>Waits for something that has no other signal: 30 s at the most.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(10);

    public static Task EqualAsync<T>(T expected, Func<T> value) => ThatAsync(value, last => Equals(expected, last), $"{expected}");

    public static async Task<T> ThatAsync<T>(Func<T> value, Func<T, bool> condition, string expectation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        while (true)
        {
            var last = value();
            if (condition(last))
            {
                return last;
            }

            Assert.False(limit.IsCancellationRequested, $"Waited {Limit.TotalSeconds} s for {expectation}; the last value is {last}.");
            await Task.Delay(Every, TimeProvider.System, CancellationToken.None);
        }
    }
}
