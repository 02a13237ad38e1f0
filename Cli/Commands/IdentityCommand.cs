using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh identity</c>: the certificates of live workloads, with their chains.</summary>
internal static class IdentityCommand
{
    public static Command Create(CommandContext context)
    {
        var name = new Argument<string?>("NAME") { Description = "ACCOUNT, NAMESPACE/ACCOUNT or SPIFFE ID; default: all", Arity = ArgumentArity.ZeroOrOne };
        var command = new MeshCommand(
            "identity",
            "Show the certificates of live workloads",
            "mesh identity                 all of them, a line each",
            "mesh identity web             one with its chain",
            "mesh identity emojivoto/web")
        {
            name,
        };
        command.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var response = await admin.CallAsync((client, options) => client.ListIdentitiesAsync(new ListIdentitiesRequest(), options), cancellationToken);
            var wanted = parsed.GetValue(name);
            var chosen = new ListIdentitiesResponse();
            chosen.Identities.AddRange(response.Identities.Where(identity => wanted is null || Matches(identity.SpiffeId, wanted)));
            if (wanted is not null && chosen.Identities.Count == 0)
            {
                throw new CliException(
                    ExitCodes.CheckFailed, $"No live workload is called '{wanted}'.", "mesh identity lists those that are.");
            }

            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(chosen.Identities));
            }
            else if (wanted is null)
            {
                CommandContext.Write(Summary(chosen.Identities, TimeProvider.System.GetUtcNow()));
            }
            else
            {
                WriteChains(chosen.Identities, TimeProvider.System.GetUtcNow());
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    internal static bool Matches(string spiffeId, string wanted) =>
        spiffeId == wanted
        || (Spiffe.SpiffeId.TryParse(spiffeId, out var id, out _) && id.Role == Spiffe.IdentityRole.Workload
            && (id.ServiceAccount == wanted || $"{id.Namespace}/{id.ServiceAccount}" == wanted));

    private static Table Summary(IEnumerable<Identity> identities, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var title in new[] { "IDENTITY", "INSTANCE", "EXPIRES", "LIFE LEFT", "POLICY", "PROXYHOST" })
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))).NoWrap());
        }

        foreach (var identity in identities)
        {
            table.AddRow(
                new Text(identity.SpiffeId),
                new Text(identity.InstanceId[..8]),
                new Text(TimeText.Of(identity.NotAfter.ToDateTimeOffset())),
                Left(identity.NotBefore.ToDateTimeOffset(), identity.NotAfter.ToDateTimeOffset(), now),
                new Text(identity.DefaultPolicy),
                new Text(identity.Proxyhost));
        }

        return table;
    }

    private static void WriteChains(IEnumerable<Identity> identities, DateTimeOffset now)
    {
        foreach (var identity in identities)
        {
            var tree = new Tree(new Text($"{identity.SpiffeId}, instance {identity.InstanceId}"));
            foreach (var (pem, index) in identity.Chain.Select((pem, index) => (pem, index)))
            {
                using var certificate = X509Certificate2.CreateFromPem(pem);
                var what = index == 0 ? "leaf" : index == identity.Chain.Count - 1 ? "anchor" : "issuer";
                var facts = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
                facts.AddRow("subject", Markup.Escape(certificate.Subject));
                facts.AddRow("issuer", Markup.Escape(certificate.Issuer));
                facts.AddRow("serial", certificate.SerialNumber);
                facts.AddRow("good from", TimeText.Of(certificate.NotBefore));
                facts.AddRow(new Text("good until"), Expiry(certificate, now));
                tree.AddNode(new Text(what, new Style(decoration: Decoration.Bold))).AddNode(facts);
            }

            CommandContext.Write(tree);
        }
    }

    private static Columns Expiry(X509Certificate2 certificate, DateTimeOffset now) => new(
        new Text(TimeText.Of(certificate.NotAfter)), Left(certificate.NotBefore, certificate.NotAfter, now)) { Expand = false };

    private static Text Left(DateTimeOffset notBefore, DateTimeOffset notAfter, DateTimeOffset now)
    {
        var share = Math.Clamp((notAfter - now) / (notAfter - notBefore), 0, 1);
        var style = share < 0.1 ? new Style(Color.Red) : share < 0.25 ? new Style(Color.Yellow) : new Style(Color.Green);
        return new Text(share.ToString("P0", CultureInfo.InvariantCulture), style);
    }
}
