using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mesh.Cli.Output;
using Mesh.Cli.Silo;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh restore</c>: a backup into an empty store.</summary>
internal static class RestoreCommand
{
    public static MeshCommand Create(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "What mesh backup wrote" };
        var silo = new SiloProgram();
        var restore = new MeshCommand(
            "restore",
            """
            Put a backup into an empty store, while no silo runs

            Runs on the silo's machine, with the options that the silo is started with. First put key-encryption.key and anchor-encryption.key
            of the time of the backup into its data folder. New issuers sign from then on. What was revoked or banned after the backup comes
            back from the proxies and ProxyHosts that know of it.
            """,
            "mesh restore mesh-2026-11-24.backup",
            "mesh restore mesh.backup --data /var/lib/mesh --silo /opt/mesh/Silo -- --Store:Provider=postgresql --Store:ConnectionStringFile=/etc/mesh/db")
        {
            file, silo.Program, silo.Options,
        };
        restore.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var answer = await silo.RunAsync(context, parsed, ["restore", Path.GetFullPath(parsed.GetRequiredValue(file))], cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(answer) : Describe(answer));
            return ExitCodes.Ok;
        }));
        return restore;
    }

    private static string Describe(JsonElement answer) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {answer.GetProperty("trust_domain").GetString()} as of {TimeText.Of(answer.GetProperty("taken_at").GetDateTimeOffset())} is restored: {answer.GetProperty("rows").GetInt64():N0} rows.
        Its bundle begins again with sequence {answer.GetProperty("sequence").GetInt64()}. Start the silo now.
        """);
}
