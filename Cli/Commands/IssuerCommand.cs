using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh issuer</c>: the authorities that sign certificates.</summary>
internal static class IssuerCommand
{
    private const int ShortestPrefix = 8;

    public static Command Create(CommandContext context) =>
        new("issuer", "Show and revoke the issuers that sign certificates") { CreateList(context), CreateRevoke(context) };

    private static Command CreateList(CommandContext context)
    {
        var list = new Command("list", "Show the issuers of workloads and of the control plane");
        list.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var trust = await AskAsync(admin, cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(trust.Issuers));
            }
            else
            {
                CommandContext.Write(AuthorityTable.Build(trust.Issuers, []));
            }

            return ExitCodes.Ok;
        }));
        return list;
    }

    private static Command CreateRevoke(CommandContext context)
    {
        var key = new Argument<string>("KEY") { Description = $"The issuer's key hash, or its first {ShortestPrefix} digits or more" };
        var reason = new Option<string>("--reason") { Description = "Why; kept in the trust bundle, which is public", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var revoke = new Command(
            "revoke",
            """
            Void an issuer's key, and with it every certificate under it, for good

            Its successor takes over in the same change; proxies hear of it at once, refuse the old certificates on new and open
            connections, and renew their own.

            Examples:
              mesh issuer list
              mesh issuer revoke 1f3a9c0d --reason "key was on a stolen disk"
            """)
        {
            key, reason,
        };
        revoke.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var keyHash = Resolve(parsed.GetValue(key)!, await AskAsync(admin, cancellationToken));
            var request = new RevokeIssuerRequest { KeyHash = keyHash, Reason = parsed.GetValue(reason) };
            var trust = await admin.CallAsync((client, options) => client.RevokeIssuerAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed)
                ? JsonOutput.Of(trust)
                : string.Create(CultureInfo.InvariantCulture, $"{keyHash} is revoked, in force from sequence {trust.Sequence} on."));
            return ExitCodes.Ok;
        }));
        return revoke;
    }

    /// <summary>The one issuer whose key hash begins so.</summary>
    internal static string Resolve(string text, TrustDomain trust)
    {
        var known = trust.Issuers.Select(issuer => issuer.KeyHash).Concat(trust.Revocations.Select(revocation => revocation.KeyHash)).Distinct();
        var matches = known.Where(hash => hash.StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return (text.Length, matches) switch
        {
            ( < ShortestPrefix, _) => throw new CliException(
                ExitCodes.Usage, $"'{text}' is too short: write {ShortestPrefix} digits of the key hash or more.", "mesh issuer list shows them."),
            (_, [var one]) => one,
            (_, []) => throw new CliException(ExitCodes.CheckFailed, $"No issuer's key hash begins with '{text}'.", "mesh issuer list shows those that there are."),
            _ => throw new CliException(ExitCodes.Usage, $"'{text}' begins the key hashes of {matches.Count} issuers.", "Write more digits."),
        };
    }

    private static Task<TrustDomain> AskAsync(AdminConnection admin, CancellationToken cancellationToken) =>
        admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
}
