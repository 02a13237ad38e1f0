namespace Mesh.Bench.Support.Instances;

/// <summary>What so many certificates took.</summary>
/// <param name="PerSecond">Certificates in a second.</param>
/// <param name="EachCpuMs">CPU time of each server for one, milliseconds.</param>
/// <param name="ClientCpuMs">CPU time of this process for each, milliseconds.</param>
internal sealed record Round(double PerSecond, IReadOnlyList<double> EachCpuMs, double ClientCpuMs)
{
    /// <summary>CPU time of all servers for one, milliseconds.</summary>
    public double CpuMs => EachCpuMs.Sum();

    /// <summary>Each of so many callers takes the next piece of work as soon as its last is answered.</summary>
    public static async Task<Round> RunAsync(int count, int callers, IReadOnlyList<int> servers, Func<int, int, Task> work)
    {
        var (next, before, own) = (-1, servers.Select(ProcessTime.Of).ToList(), ProcessTime.Of(Environment.ProcessId));
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                await work(caller, i);
            }
        })));
        var took = TimeProvider.System.GetElapsedTime(started);
        return new Round(
            count / took.TotalSeconds,
            [.. servers.Select((server, i) => (ProcessTime.Of(server) - before[i]).TotalMilliseconds / count)],
            (ProcessTime.Of(Environment.ProcessId) - own).TotalMilliseconds / count);
    }
}
