using System.Collections.Concurrent;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>An application that opens a connection, says something and hears it back, over and over.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private int _served;

    /// <param name="address">Where the application connects.</param>
    /// <param name="pause">Between one connection and the next.</param>
    public Load(string address, TimeSpan pause = default) => _running = Task.Run(async () =>
    {
        while (!_stopping.IsCancellationRequested)
        {
            if (await PlainClient.TryEchoAsync(address, "hello") == "hello")
            {
                Interlocked.Increment(ref _served);
            }
            else
            {
                Failures.Enqueue($"after {_served} requests");
            }

            await Task.Delay(pause, TimeProvider.System);
        }
    });

    public ConcurrentQueue<string> Failures { get; } = new();

    public int Served => Volatile.Read(ref _served);

    /// <summary>20 more requests have been served.</summary>
    public Task GrowsAsync()
    {
        var until = Served + 20;
        return Mesh.Tests.Processes.Eventually.TrueAsync(() => Served >= until, "20 more requests are served");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }
}
