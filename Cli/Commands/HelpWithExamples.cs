using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Mesh.Cli.Commands;

/// <summary>The library's help, and then the command's examples.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        // A command's own help has all of its description; the one above has a line for each.
        foreach (var below in parseResult.CommandResult.Command.Subcommands)
        {
            below.Description = below.Description?.Split('\n')[0];
        }

        var exitCode = help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is MeshCommand { Examples.Count: > 0 } command)
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in command.Examples)
            {
                output.WriteLine($"  {example}");
            }

            output.WriteLine();
        }

        return exitCode;
    }
}
