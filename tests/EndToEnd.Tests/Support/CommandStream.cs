using Grpc.Core;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Somebody who asks for one thing after the other, and remembers when he was not answered.</summary>
internal sealed class CommandStream : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Entry> _entries = [];
    private readonly Task _running;

    /// <param name="name">What a report calls it.</param>
    /// <param name="pause">Between one command and the next.</param>
    /// <param name="command">Asks; it is told how many times it was asked before.</param>
    public CommandStream(string name, TimeSpan pause, Func<int, Task> command)
    {
        Name = name;
        _running = Task.Run(async () =>
        {
            for (var i = 0; !_stopping.IsCancellationRequested; i++)
            {
                string? failure = null;
                try
                {
                    await command(i);
                }
                catch (Exception e) when (e is RpcException or IOException)
                {
                    failure = e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message;
                }

                lock (_entries)
                {
                    _entries.Add(new Entry(TimeProvider.System.GetTimestamp(), failure));
                }

                await Task.Delay(pause, TimeProvider.System);
            }
        });
    }

    public string Name { get; }

    public int Answered
    {
        get
        {
            lock (_entries)
            {
                return _entries.Count(entry => entry.Failure is null);
            }
        }
    }

    /// <summary>What failed since then.</summary>
    public IReadOnlyList<string> FailuresSince(long since)
    {
        lock (_entries)
        {
            return [.. _entries.Where(entry => entry.At > since).Select(entry => entry.Failure).OfType<string>()];
        }
    }

    /// <summary>How long after that moment everything was answered again: zero where nothing failed, null where nothing was answered.</summary>
    public TimeSpan? AgainAfter(long since)
    {
        lock (_entries)
        {
            var last = _entries.FindLastIndex(entry => entry.At > since && entry.Failure is not null);
            return last < 0
                ? (_entries.Exists(entry => entry.At > since) ? TimeSpan.Zero : null)
                : last + 1 < _entries.Count ? TimeProvider.System.GetElapsedTime(since, _entries[last + 1].At) : null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private readonly record struct Entry(long At, string? Failure);
}
