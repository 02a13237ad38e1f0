using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Mesh.Tests.Processes;

/// <summary>A real process whose output a test reads, and which dies with the test.</summary>
internal sealed partial class TestProcess : IAsyncDisposable
{
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigInt = 2;
    public const int SigCont = 18;
    public const int SigStop = 19;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _stdout = new();
    private readonly Task _read;
    private bool _isDisposed;

    private TestProcess(string name, Process process)
    {
        (Name, _process) = (name, process);
        _read = Task.WhenAll(ReadAsync(process.StandardOutput, _stdout), ReadAsync(process.StandardError, null));
    }

    public string Name { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Everything it has said so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>What it has said on stdout.</summary>
    public string StandardOutput
    {
        get
        {
            lock (_output)
            {
                return _stdout.ToString();
            }
        }
    }

    public static TestProcess Start(string name, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Programs.Root,
        };
        // Short lives gain nothing from code that is measured before it is optimized.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        var process = new TestProcess(name, Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started."));
        process._process.StandardInput.Close();
        AppDomain.CurrentDomain.ProcessExit += process.EndWithUs;
        return process;
    }

    public static TestProcess StartDotnet(
        string name, string assembly, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        Start(name, "dotnet", [assembly, .. arguments], environment);

    public void Signal(int signal)
    {
        if (Kill(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"{Name} could not be sent signal {signal}.");
        }
    }

    /// <summary>Kills it outright and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        Signal(SigKill);
        await _process.WaitForExitAsync();
    }

    /// <summary>Its exit code, once it has ended and all its output is read.</summary>
    public async Task<int> ExitedAsync(TimeSpan limit)
    {
        await _process.WaitForExitAsync().WaitAsync(limit);
        await _read.WaitAsync(limit);
        return _process.ExitCode;
    }

    /// <summary>Waits until its output holds a text.</summary>
    public async Task SaysAsync(string text, int times = 1, bool ignoreCase = false)
    {
        try
        {
            await Eventually.TrueAsync(() => Count(text, ignoreCase) >= times, $"{Name} says '{text}'");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}. It has said:{Environment.NewLine}{Output}");
        }
    }

    /// <summary>Asks it to end.</summary>
    public async Task<int> StopAsync()
    {
        Signal(SigTerm);
        return await ExitedAsync(TimeSpan.FromSeconds(30));
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        AppDomain.CurrentDomain.ProcessExit -= EndWithUs;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private int Count(string text, bool ignoreCase) => ignoreCase
        ? Output.ToUpperInvariant().Split(text.ToUpperInvariant()).Length - 1
        : Output.Split(text).Length - 1;

    private void EndWithUs(object? sender, EventArgs e)
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    private async Task ReadAsync(StreamReader reader, StringBuilder? own)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_output)
            {
                _output.AppendLine(line);
                own?.AppendLine(line);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int pid, int signal);
}
