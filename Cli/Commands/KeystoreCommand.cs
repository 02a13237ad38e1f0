using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mesh.Cli.Output;
using Mesh.Cli.Silo;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh keystore</c>: what seals the keys of authorities.</summary>
internal static class KeystoreCommand
{
    public static Command Create(CommandContext context) =>
        new("keystore", "Change the keys that seal the authorities' keys") { CreateRekey(context) };

    private static MeshCommand CreateRekey(CommandContext context)
    {
        var silo = new SiloProgram();
        var rekey = new MeshCommand(
            "rekey",
            """
            Seal every authority's key under new key-encryption keys, while no silo runs

            Runs on a silo's machine, with the options that the silo is started with. Proxies go on meanwhile. The old key files stay beside
            the new ones, named after their keys: backups from before need them.
            """,
            "mesh keystore rekey",
            "mesh keystore rekey --silo /opt/mesh/Silo --data /var/lib/mesh -- --Store:Provider=postgresql --Store:ConnectionStringFile=/etc/mesh/db")
        {
            silo.Program, silo.Options,
        };
        rekey.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var answer = await silo.RunAsync(context, parsed, ["rekey"], cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(answer) : Describe(answer));
            return ExitCodes.Ok;
        }));
        return rekey;
    }

    private static string Describe(JsonElement answer) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {answer.GetProperty("keys").GetInt32():N0} keys of {answer.GetProperty("trust_domain").GetString()} are sealed anew: key-encryption.key ({answer.GetProperty("key_encryption_key").GetString()}), anchor-encryption.key ({answer.GetProperty("anchor_encryption_key").GetString()}).
        Copy both to the other silos' data folders, then start the silos. The old ones, which older backups need, are
          {string.Join("\n  ", answer.GetProperty("kept").EnumerateArray().Select(kept => kept.GetString()))}
        """);
}
