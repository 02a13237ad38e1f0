using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh trust status</c>: what the mesh trusts, and who has proven to know.</summary>
internal static class TrustStatusCommand
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    public static MeshCommand Create(CommandContext context, string path = "mesh trust status")
    {
        var watch = new Option<bool>("--watch", "-w") { Description = "Look again each second until everybody holds the bundle in force" };
        var all = new Option<bool>("--all") { Description = "List the instances that hold it too" };
        var command = new MeshCommand(
            "status",
            """
            Show anchors, issuers and revocations, and which instances hold the bundle in force

            Each proxy acknowledges a bundle with its own key. One that is cut off is listed until its certificate ends: till then it
            goes on trusting what it knows. With --watch it exits with 0 once all have acknowledged.
            """,
            path,
            $"{path} --watch      after a revocation: until the last one enforces it",
            $"{path} --all")
        {
            watch, all,
        };
        command.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            if (parsed.GetValue(watch))
            {
                await WatchAsync(admin, context.WantsJson(parsed), cancellationToken);
                return ExitCodes.Ok;
            }

            var (trust, ledger) = await AskAsync(admin, cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(trust, "ledger", ledger));
                return ExitCodes.Ok;
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{trust.Name}, sequence {trust.Sequence}, epoch {trust.Epoch}"));
            CommandContext.Write(AuthorityTable.Build(trust.Anchors.Concat(trust.Issuers), trust.Revocations, trust.Requests));
            Console.WriteLine(LedgerTable.Summary(ledger));
            if (LedgerTable.Build(ledger, parsed.GetValue(all)) is { } table)
            {
                CommandContext.Write(table);
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    // A line each time that something has changed, which reads well on a terminal and in a file.
    private static async Task WatchAsync(AdminConnection admin, bool asJson, CancellationToken cancellationToken)
    {
        var last = "";
        while (true)
        {
            var (_, ledger) = await AskAsync(admin, cancellationToken);
            var line = asJson ? JsonOutput.Line(ledger) : LedgerTable.Summary(ledger);
            if (line != last)
            {
                Console.WriteLine(asJson ? line : string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():HH:mm:ss}Z  {line}"));
                last = line;
            }

            if (ledger.Entries.All(entry => entry.IsConverged))
            {
                return;
            }

            await Task.Delay(Every, TimeProvider.System, cancellationToken);
        }
    }

    private static async Task<(TrustDomain Trust, Ledger Ledger)> AskAsync(AdminConnection admin, CancellationToken cancellationToken) => (
        await admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken),
        await admin.CallAsync((client, options) => client.GetLedgerAsync(new GetLedgerRequest(), options), cancellationToken));
}
