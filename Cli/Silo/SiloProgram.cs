using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Mesh.Cli.Commands;
using Mesh.Cli.Demo;
using Mesh.Cli.Output;

namespace Mesh.Cli.Silo;

/// <summary>
/// The silo's program on this machine, for what is done to a store while no silo works on it: it alone knows how a store is opened.
/// </summary>
internal sealed class SiloProgram
{
    public Option<string?> Program { get; } = new("--silo")
    {
        Description = "The silo's program, Silo or Silo.dll [default: $MESH_SILO, else the one that this source tree has built]", HelpName = "FILE",
    };

    public Argument<string[]> Options { get; } = new("OPTIONS")
    {
        Description = "After --: the options that this silo is started with, e.g. --Store:Provider=postgresql", Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>Runs it to its end.</summary>
    /// <returns>Its answer.</returns>
    /// <exception cref="CliException">It is not there, or has refused; what it said is in the message.</exception>
    public async Task<JsonElement> RunAsync(CommandContext context, ParseResult parsed, IReadOnlyList<string> verb, CancellationToken cancellationToken)
    {
        var program = Find(parsed);
        List<string> arguments = [.. verb, $"--Silo:Data={context.DataFolder(parsed)}", .. parsed.GetValue(Options) ?? []];
        var start = program.EndsWith(".dll", StringComparison.Ordinal)
            ? new ProcessStartInfo("dotnet", [program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var silo = Process.Start(start) ?? throw Missing(program);
        var (output, errors) = (silo.StandardOutput.ReadToEndAsync(CancellationToken.None), silo.StandardError.ReadToEndAsync(CancellationToken.None));
        // Ctrl-C reaches it as well as this process; what it has begun it ends or undoes.
        await silo.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        if (silo.ExitCode != 0)
        {
            throw silo.ExitCode == ExitCodes.Usage
                ? new CliException(ExitCodes.Environment, Said(await errors), "Nothing was changed. Put that right and run it again.")
                : new CliException(ExitCodes.Fault, Said(await errors), "It may be half done. Leave every file where it is, put that right, and run it again.");
        }

        using var answer = JsonDocument.Parse((await output).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        return answer.RootElement.Clone();
    }

    private string Find(ParseResult parsed)
    {
        if ((parsed.GetValue(Program) ?? Environment.GetEnvironmentVariable("MESH_SILO")) is { } named)
        {
            return File.Exists(named) ? Path.GetFullPath(named) : throw Missing(named);
        }

        try
        {
            return SourceTree.FindBuilt("Silo");
        }
        catch (CliException)
        {
            throw new CliException(
                ExitCodes.Environment, "This works on the silo's own store, by the silo's program, and there is none here.", "Run it on the silo's machine, and name the program with --silo.");
        }
    }

    private static CliException Missing(string program) =>
        new(ExitCodes.Environment, $"There is no program {program}.", "Name the silo's program with --silo: Silo, or Silo.dll.");

    // Its log is JSON; what is meant for people is not.
    private static string Said(string errors) =>
        string.Join(" ", errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => !line.StartsWith('{')))
            is { Length: > 0 } said ? said : "The silo's program has failed.";
}
