using System.CommandLine;
using Mesh.Cli.Commands;
using Mesh.Cli.Output;

var context = new CommandContext();
var root = new RootCommand($"MeshOrleans: an identity for every workload, mutual TLS for every connection\n\n{ExitCodes.Help}")
{
    context.Data, context.Server, context.TokenFile, context.Authorities, context.Output,
    DemoCommand.Create(context),
    EdgesCommand.Create(context),
    IdentityCommand.Create(context),
    TrustCommand.Create(context),
    IssuerCommand.Create(context),
    TokenCommand.Create(context),
    ServiceCommand.Create(context),
    PolicyCommand.Create(context),
    VersionCommand.Create(context),
    CompletionCommand.Create(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
{
    foreach (var error in parsed.Errors)
    {
        await Console.Error.WriteLineAsync($"error: {error.Message}");
    }

    await Console.Error.WriteLineAsync($"  mesh {string.Join(' ', parsed.CommandResult.Command.Name is "mesh" ? [] : new[] { parsed.CommandResult.Command.Name })} --help shows how.");
    return ExitCodes.Usage;
}

// Ctrl-C and SIGTERM cancel the command; ending the demo's processes takes its time.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(45) });
