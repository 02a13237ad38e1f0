using System.CommandLine;
using System.Reflection;
using System.Text.Json;
using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh version</c>: of the client and, where it can be reached, of the control plane.</summary>
internal static class VersionCommand
{
    private static readonly string Client =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create(CommandContext context)
    {
        var clientOnly = new Option<bool>("--client") { Description = "Do not ask the control plane" };
        var command = new MeshCommand(
            "version",
            "Show the versions of client and control plane",
            "mesh version",
            "mesh version --client --output json")
        {
            clientOnly,
        };
        command.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var server = parsed.GetValue(clientOnly) ? null : await AskAsync(context, parsed, cancellationToken);
            Console.WriteLine(context.WantsJson(parsed)
                ? JsonSerializer.Serialize(new { client = Client, control_plane = server?.Version, trust_domain = server?.TrustDomain })
                : $"client:        {Client}\ncontrol plane: {(server is null ? "not reached" : $"{server.Version} ({server.TrustDomain})")}");
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static async Task<GetVersionResponse?> AskAsync(CommandContext context, ParseResult parsed, CancellationToken cancellationToken)
    {
        using var admin = context.Connect(parsed);
        try
        {
            return await admin.CallAsync((client, options) => client.GetVersionAsync(new GetVersionRequest(), options), cancellationToken);
        }
        catch (CliException end) when (end.ExitCode == ExitCodes.Unreachable)
        {
            return null;
        }
    }
}
