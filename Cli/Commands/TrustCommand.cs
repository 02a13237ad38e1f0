using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh trust</c>: the trust domain's authorities and bundle.</summary>
internal static class TrustCommand
{
    public static Command Create(CommandContext context)
    {
        var status = new Command("status", "Show anchors, issuers and revocations");
        status.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var trust = await AskAsync(context, parsed, cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(trust));
            }
            else
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{trust.Name}, sequence {trust.Sequence}, epoch {trust.Epoch}"));
                CommandContext.Write(AuthorityTable.Build(trust.Anchors.Concat(trust.Issuers), trust.Revocations));
            }

            return ExitCodes.Ok;
        }));

        var anchors = new Command("anchors", "Print the trust anchors in PEM");
        anchors.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var trust = await AskAsync(context, parsed, cancellationToken);
            foreach (var anchor in trust.Anchors)
            {
                Console.WriteLine(anchor.Certificate);
            }

            return ExitCodes.Ok;
        }));

        var bundle = new Command("bundle", "Print the trust bundle as a SPIFFE JWKS");
        bundle.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var response = await admin.CallAsync((client, options) => client.GetBundleAsync(new GetBundleRequest(), options), cancellationToken);
            Console.WriteLine(response.Jwks);
            return ExitCodes.Ok;
        }));
        return new Command("trust", "Show what the mesh trusts") { status, anchors, bundle };
    }

    private static async Task<TrustDomain> AskAsync(CommandContext context, ParseResult parsed, CancellationToken cancellationToken)
    {
        using var admin = context.Connect(parsed);
        return await admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
    }
}
