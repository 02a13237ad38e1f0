using Mesh.Spiffe;

namespace Mesh.ProxyHost.Relay;

/// <summary>
/// The newest value of one grain's feed for as many proxies as want it: the grain sees one long poll, whatever their number.
/// </summary>
/// <param name="poll">Asks the grain for whatever differs from a version; null: nothing yet.</param>
/// <param name="version">The version of a value.</param>
/// <param name="clock">Times the retries.</param>
/// <param name="logger">Hears of failures.</param>
/// <param name="name">What the log calls this feed.</param>
internal sealed partial class Feed<T>(
    Func<long, CancellationToken, Task<T?>> poll, Func<T, long> version, TimeProvider clock, ILogger logger, string name) : IDisposable
    where T : class
{
    private readonly Stopping _stopping = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile T? _current;
    private Stopping _poll = new();

    /// <summary>The newest value, and a task that ends when there is a newer one. Taken together, so that no change falls between.</summary>
    public (T? Value, Task Changed) Read()
    {
        var changed = Volatile.Read(ref _changed).Task;
        return (_current, changed);
    }

    /// <summary>Polls until disposed. The last good value stays while the grain does not answer.</summary>
    public async Task RunAsync()
    {
        var failures = 0;
        while (!_stopping.Token.IsCancellationRequested)
        {
            using var pending = new Stopping();
            using var stop = _stopping.Token.Register(pending.Cancel);
            Volatile.Write(ref _poll, pending);
            try
            {
                var known = _current is { } current ? version(current) : 0;
                if (await poll(known, pending.Token) is { } next && version(next) != known)
                {
                    Publish(next);
                }

                failures = 0;
            }
            catch (OperationCanceledException) when (_stopping.Token.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException) when (pending.Token.IsCancellationRequested)
            {
                // Asked to ask again.
            }
            catch (Exception fault)
            {
                // Whatever went wrong, the proxies go on with what they have and this feed asks again.
                var wait = RenewalSchedule.RetryIn(null, failures++, clock.GetUtcNow(), Random.Shared.NextDouble());
                Log.PollFailed(logger, name, fault.Message, wait);
                await Task.Delay(wait, clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>
    /// Gives up the poll that is held open and asks anew. A poll that a killed silo held never ends by itself before its time-out.
    /// </summary>
    public void PollAgain() => Volatile.Read(ref _poll).Cancel();

    public void Dispose() => _stopping.Dispose();

    private void Publish(T value)
    {
        _current = value;
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    // Its token outlives it: the loop may look once more after the end.
    private sealed class Stopping : IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public Stopping() => Token = _source.Token;

        public CancellationToken Token { get; }

        public void Cancel()
        {
            try
            {
                _source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has ended already.
            }
        }

        public void Dispose()
        {
            Cancel();
            _source.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3101, Level = LogLevel.Warning, Message = "Poll of {Feed} failed: {Reason}. Next try in {Wait}")]
        public static partial void PollFailed(ILogger logger, string feed, string reason, TimeSpan wait);
    }
}
