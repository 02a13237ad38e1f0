using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary>The whole command line: every command, and what is said of a wrong one.</summary>
internal static class MeshCommandLine
{
    public static RootCommand Create()
    {
        var context = new CommandContext();
        var root = new RootCommand($"MeshOrleans: an identity for every workload, mutual TLS for every connection\n\n{ExitCodes.Help}")
        {
            context.Data, context.Server, context.TokenFile, context.Bundle, context.Output,
            DemoCommand.Create(context),
            EdgesCommand.Create(context),
            IdentityCommand.Create(context),
            TrustCommand.Create(context),
            IssuerCommand.Create(context),
            WorkloadCommand.Create(context),
            TokenCommand.Create(context),
            ServiceCommand.Create(context),
            PolicyCommand.Create(context),
            BackupCommand.Create(context),
            RestoreCommand.Create(context),
            KeystoreCommand.Create(context),
            VersionCommand.Create(context),
            CompletionCommand.Create(),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    /// <summary>Two lines about a wrong command line, or null where it is right: what is wrong, and where help is.</summary>
    public static (string What, string Next)? Mistake(ParseResult parsed)
    {
        if (parsed.Action is not ParseErrorAction)
        {
            return null;
        }

        // A word that nobody knows explains whatever is missing beside it.
        var what = parsed.UnmatchedTokens is [var unknown, ..] ? $"Unrecognized command or argument '{unknown}'." : OneLine(parsed.Errors[0].Message);
        return (what, $"{PathOf(parsed.CommandResult)} --help shows how.");
    }

    // The library lists what is allowed below each other.
    private static string OneLine(string message)
    {
        var lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == 1 ? lines[0] : $"{lines[0]} {string.Join(", ", lines.Skip(1))}.";
    }

    private static string PathOf(System.CommandLine.Parsing.CommandResult command) =>
        command.Parent is System.CommandLine.Parsing.CommandResult above ? $"{PathOf(above)} {command.Command.Name}" : "mesh";
}
