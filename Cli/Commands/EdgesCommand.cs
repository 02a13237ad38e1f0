using System.CommandLine;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh edges</c>: who talks to whom, and whether it is mTLS.</summary>
internal static class EdgesCommand
{
    public static Command Create(CommandContext context)
    {
        var ns = new Option<string>("--namespace", "-n") { Description = "Only this namespace", HelpName = "NS", DefaultValueFactory = _ => "" };
        var command = new MeshCommand(
            "edges",
            "Show who talks to whom, and whether it is mTLS",
            "mesh edges",
            "mesh edges --namespace emojivoto --output json")
        {
            ns,
        };
        command.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var request = new ListEdgesRequest { Namespace = parsed.GetValue(ns) };
            var response = await admin.CallAsync((client, options) => client.ListEdgesAsync(request, options), cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(response.Edges));
            }
            else if (response.Edges.Count == 0)
            {
                Console.WriteLine("No traffic seen in the last 10 minutes.");
            }
            else
            {
                CommandContext.Write(EdgeTableView.Build(response.Edges, AnsiConsole.Profile.Width));
            }

            return ExitCodes.Ok;
        }));
        return command;
    }
}
