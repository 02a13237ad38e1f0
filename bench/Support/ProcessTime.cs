using System.Diagnostics;
using System.Globalization;

namespace Mesh.Bench.Support;

/// <summary>The CPU time that a process has used, user and kernel together.</summary>
internal static class ProcessTime
{
    public static TimeSpan Of(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.TotalProcessorTime;
    }

    /// <summary>Together with that of the processes that it has started and that run.</summary>
    public static TimeSpan OfAll(int processId) => Family(processId).Aggregate(TimeSpan.Zero, (sum, id) => sum + Of(id));

    /// <summary>A process and those that it has started, directly or not.</summary>
    public static IEnumerable<int> Family(int processId) =>
        Directory.EnumerateDirectories($"/proc/{processId}/task")
            .SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .SelectMany(child => Family(int.Parse(child, CultureInfo.InvariantCulture)))
            .Prepend(processId);
}
