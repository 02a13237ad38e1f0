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
        var anchors = new MeshCommand("anchors", "Print the trust anchors in PEM", "mesh trust anchors > anchors.pem");
        anchors.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var trust = await AskAsync(context, parsed, cancellationToken);
            foreach (var anchor in trust.Anchors)
            {
                Console.WriteLine(anchor.Certificate);
            }

            return ExitCodes.Ok;
        }));

        var bundle = new MeshCommand("bundle", "Print the trust bundle as a SPIFFE JWKS", "mesh trust bundle > bundle.json");
        bundle.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var response = await admin.CallAsync((client, options) => client.GetBundleAsync(new GetBundleRequest(), options), cancellationToken);
            Console.WriteLine(response.Jwks);
            return ExitCodes.Ok;
        }));
        return new Command("trust", "Show and change what the mesh trusts")
        {
            TrustStatusCommand.Create(context), TrustRotateCommand.Create(context), TrustStandbyCommand.Create(context), CreateRevoke(context), anchors, bundle,
        };
    }

    private static MeshCommand CreateRevoke(CommandContext context)
    {
        var key = new Argument<string>("KEY") { Description = $"The anchor's key hash, or its first {KeyHashPrefix.Shortest} digits or more" };
        var reason = new Option<string>("--reason") { Description = "Why; kept in the trust bundle, which is public", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var revoke = new MeshCommand(
            "revoke",
            """
            Void a trust anchor's key, and with it everything that it certified, for good

            The standby anchor takes over in the same change, with issuers of its own; everybody renews at once. Where its key is kept
            elsewhere, bring the key first (mesh trust standby import), or let it sign from there (mesh trust rotate start --standby).
            """,
            "mesh trust status",
            "mesh trust revoke 1f3a9c0d --reason \"the vault was open\"")
        {
            key, reason,
        };
        revoke.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var trust = await admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
            var keyHash = KeyHashPrefix.Resolve(parsed.GetValue(key)!, "anchor", "mesh trust status", trust.Anchors, trust.Revocations);
            var request = new RevokeAnchorRequest { KeyHash = keyHash, Reason = parsed.GetValue(reason) };
            trust = await admin.CallAsync((client, options) => client.RevokeAnchorAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed)
                ? JsonOutput.Of(trust)
                : string.Create(CultureInfo.InvariantCulture, $"{keyHash} is revoked, in force from sequence {trust.Sequence} on. mesh trust status --watch shows who enforces it."));
            return ExitCodes.Ok;
        }));
        return revoke;
    }

    private static async Task<TrustDomain> AskAsync(CommandContext context, ParseResult parsed, CancellationToken cancellationToken)
    {
        using var admin = context.Connect(parsed);
        return await admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
    }
}
