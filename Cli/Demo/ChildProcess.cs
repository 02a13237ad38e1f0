using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Mesh.Cli.Demo;

/// <summary>A process that the demo starts, with its log, and what to start again should it die.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Program">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="LogFile">Where its output goes.</param>
/// <param name="Role">What it is.</param>
internal sealed record ChildPlan(string Name, string Program, IReadOnlyList<string> Arguments, string LogFile, ProcessRole Role);

/// <summary>A running process.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const int SigTerm = 15;

    private readonly Process _process;

    private ChildProcess(ChildPlan plan, Process process) => (Plan, _process) = (plan, process);

    public ChildPlan Plan { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Starts it. Its output is appended to its log by the kernel, so that it needs no help of ours to go on.</summary>
    public static ChildProcess Start(ChildPlan plan)
    {
        // The program and its arguments are passed beside the script, never in it.
        List<string> words = ["-c", "exec \"$0\" \"$@\" >>\"$MESH_LOG\" 2>&1 </dev/null", plan.Program, .. plan.Arguments];
        var start = CanFollowUs
            ? new ProcessStartInfo("setpriv", ["--pdeathsig", "TERM", "sh", .. words])
            : new ProcessStartInfo("sh", words);
        start.Environment["MESH_LOG"] = plan.LogFile;
        return new ChildProcess(
            plan, Process.Start(start) ?? throw new InvalidOperationException($"{plan.Program} could not be started."));
    }

    public Task ExitedAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>Asks it to end, and ends it where it does not.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (_process.HasExited)
        {
            return;
        }

        // A signal that can't be delivered leaves no time to wait for.
        using var limit = new CancellationTokenSource(Kill(_process.Id, SigTerm) == 0 ? patience : TimeSpan.Zero);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>The last lines of its log.</summary>
    public string LogTail(int lines) =>
        File.Exists(Plan.LogFile) ? string.Join(Environment.NewLine, File.ReadLines(Plan.LogFile).TakeLast(lines)) : "";

    public void Dispose() => _process.Dispose();

    // With util-linux's help, children end even where this process is killed outright.
    private static bool CanFollowUs { get; } = File.Exists("/usr/bin/setpriv");

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
