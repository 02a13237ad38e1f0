using System.Diagnostics;

namespace Mesh.Bench.Support;

/// <summary>The CPU time that a process has used, user and kernel together.</summary>
internal static class ProcessTime
{
    public static TimeSpan Of(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.TotalProcessorTime;
    }
}
