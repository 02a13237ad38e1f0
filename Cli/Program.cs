using System.CommandLine;
using Mesh.Cli.Commands;
using Mesh.Cli.Output;
using Spectre.Console;

TerminalWidth.Apply(AnsiConsole.Profile, Console.IsOutputRedirected);
var parsed = MeshCommandLine.Create().Parse(args);
if (MeshCommandLine.Mistake(parsed) is var (what, next))
{
    await Console.Error.WriteLineAsync($"error: {what}");
    await Console.Error.WriteLineAsync($"  {next}");
    return ExitCodes.Usage;
}

// Ctrl-C and SIGTERM cancel the command; ending the demo's processes takes its time.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(45) });
