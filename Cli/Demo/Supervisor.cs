using System.Collections.Concurrent;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>Keeps the demo's processes: when one dies it is started again or everything ends, and none is ever left behind.</summary>
internal sealed class Supervisor : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan RestartAfter = TimeSpan.FromSeconds(1);

    private readonly bool _restart;
    private readonly Action<string> _tell;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _watches = [];
    private readonly ConcurrentDictionary<string, ChildProcess> _children = new();
    private readonly List<string> _order = [];
    private readonly TaskCompletionSource<CliException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A child follows its parent *thread* into death, so one thread that lives as long as this object starts them all.
    private readonly BlockingCollection<Action> _starts = [];
    private readonly Thread _starter;

    /// <param name="restart">Whether a child that dies is started again.</param>
    /// <param name="tell">Hears of deaths and restarts.</param>
    public Supervisor(bool restart, Action<string> tell)
    {
        (_restart, _tell) = (restart, tell);
        _starter = new Thread(() =>
        {
            foreach (var start in _starts.GetConsumingEnumerable())
            {
                start();
            }
        })
        { IsBackground = true, Name = "starter of children" };
        _starter.Start();
    }

    /// <summary>Ends when a child has died that is not started again.</summary>
    public Task<CliException> Failed => _failed.Task;

    public int ProcessId(string name) => _children[name].Id;

    public void Start(ChildPlan plan)
    {
        _order.Add(plan.Name);
        _children[plan.Name] = StartOnThread(plan);
        _watches.Add(WatchAsync(plan));
    }

    /// <summary>Stops everything, the last started first, and waits until it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_watches).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Applications and proxies end together, then what they depend on.
        foreach (var group in Enumerable.Reverse(_order).Select(name => _children[name]).GroupBy(child => StopOrder(child.Plan.Role)).OrderBy(group => group.Key))
        {
            await Task.WhenAll(group.Select(child => child.StopAsync(Patience)));
        }

        foreach (var child in _children.Values)
        {
            child.Dispose();
        }

        _starts.CompleteAdding();
        _starter.Join();
        _starts.Dispose();
        _stopping.Dispose();
    }

    private async Task WatchAsync(ChildPlan plan)
    {
        while (true)
        {
            var child = _children[plan.Name];
            await child.ExitedAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            var end = $"{plan.Name} has ended by itself, exit code {child.ExitCode}.";
            if (!_restart)
            {
                _failed.TrySetResult(new CliException(
                    ExitCodes.Fault, $"{end} Its last words:{Environment.NewLine}{child.LogTail(5)}", "Run it again with --data DIR, which keeps the logs, and look there."));
                return;
            }

            _tell($"{end} It is started again.");
            await Task.Delay(RestartAfter, TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            try
            {
                _children[plan.Name] = StartOnThread(plan);
                child.Dispose();
            }
            catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
            {
                _failed.TrySetResult(new CliException(ExitCodes.Fault, $"{plan.Name} could not be started again: {e.Message}", "Start the demo again."));
                return;
            }
        }
    }

    private static int StopOrder(ProcessRole role) => role switch
    {
        ProcessRole.Application or ProcessRole.Proxy => 0,
        ProcessRole.ProxyHost => 1,
        _ => 2,
    };

    private ChildProcess StartOnThread(ChildPlan plan)
    {
        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        _starts.Add(() =>
        {
            try
            {
                started.SetResult(ChildProcess.Start(plan));
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        return started.Task.GetAwaiter().GetResult();
    }
}
