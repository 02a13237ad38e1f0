using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh issuer</c>: the authorities that sign certificates.</summary>
internal static class IssuerCommand
{
    public static Command Create(CommandContext context) =>
        new("issuer", "Show, rotate and revoke the issuers that sign certificates")
        {
            CreateList(context),
            CreateRotate(context),
            CreateRevoke(context),
            IssuerCertificateCommand.CreateCsr(context),
            IssuerCertificateCommand.CreateInstall(context),
        };

    private static MeshCommand CreateList(CommandContext context)
    {
        var list = new MeshCommand("list", "Show the issuers of workloads and of the control plane", "mesh issuer list");
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
                CommandContext.Write(AuthorityTable.Build(trust.Issuers, [], trust.Requests));
            }

            return ExitCodes.Ok;
        }));
        return list;
    }

    private static MeshCommand CreateRotate(CommandContext context)
    {
        var purpose = new Argument<string>("PURPOSE") { Description = "workload or control-plane" };
        purpose.AcceptOnlyFromAmong("workload", "control-plane");
        var rotate = new MeshCommand(
            "rotate",
            """
            Change an issuer before its time

            Certificates under the old one stay good until they end. The workload issuer changes at once; a control-plane issuer is
            published first, and signs when everybody has had the time to hear of it. Issuers change by themselves at 60 % of their life.
            Where the anchor's key is kept elsewhere, the one that stands by takes over; without one the command is refused.
            """,
            "mesh issuer rotate workload",
            "mesh issuer rotate control-plane")
        {
            purpose,
        };
        rotate.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var request = new RotateIssuerRequest { Purpose = parsed.GetValue(purpose) };
            var trust = await admin.CallAsync((client, options) => client.RotateIssuerAsync(request, options), cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(trust));
            }
            else
            {
                CommandContext.Write(AuthorityTable.Build(trust.Issuers, [], trust.Requests));
            }

            return ExitCodes.Ok;
        }));
        return rotate;
    }

    private static MeshCommand CreateRevoke(CommandContext context)
    {
        var key = new Argument<string>("KEY") { Description = $"The issuer's key hash, or its first {KeyHashPrefix.Shortest} digits or more" };
        var reason = new Option<string>("--reason") { Description = "Why; kept in the trust bundle, which is public", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var withoutSuccessor = new Option<bool>("--without-successor") { Description = "Revoke it although no successor is certified: nobody renews until one is" };
        var revoke = new MeshCommand(
            "revoke",
            """
            Void an issuer's key, and with it every certificate under it, for good

            Its successor takes over in the same change; proxies hear of it at once, refuse the old certificates on new and open
            connections, and renew their own. Where the anchor's key is kept elsewhere and no successor is certified, nothing is revoked
            unless --without-successor says so; then nothing is signed for that purpose until mesh issuer install.
            """,
            "mesh issuer list",
            "mesh issuer revoke 1f3a9c0d --reason \"key was on a stolen disk\"")
        {
            key, reason, withoutSuccessor,
        };
        revoke.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var trust = await AskAsync(admin, cancellationToken);
            var keyHash = KeyHashPrefix.Resolve(parsed.GetValue(key)!, "issuer", "mesh issuer list", trust.Issuers, trust.Revocations);
            var request = new RevokeIssuerRequest { KeyHash = keyHash, Reason = parsed.GetValue(reason), WithoutSuccessor = parsed.GetValue(withoutSuccessor) };
            trust = await admin.CallAsync((client, options) => client.RevokeIssuerAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed)
                ? JsonOutput.Of(trust)
                : string.Create(CultureInfo.InvariantCulture, $"{keyHash} is revoked, in force from sequence {trust.Sequence} on."));
            return ExitCodes.Ok;
        }));
        return revoke;
    }

    private static Task<TrustDomain> AskAsync(AdminConnection admin, CancellationToken cancellationToken) =>
        admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
}
