using System.CommandLine;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh trust rotate</c>: the trust anchor changes, one step at a time, while traffic goes on.</summary>
internal static class TrustRotateCommand
{
    public static Command Create(CommandContext context)
    {
        var force = new Option<bool>("--force") { Description = "Do not wait for instances that have not acknowledged; they may be cut off" };
        var certificate = new Option<string?>("--certificate") { Description = "The new anchor's certificate in PEM; its key stays where it is", HelpName = "FILE" };
        var standby = new Option<bool>("--standby") { Description = "The standby anchor becomes the new one" };
        return new Command("rotate", "Change the trust anchor, step by step, while traffic goes on")
        {
            Step(
                context,
                "start",
                """
                Publish a new anchor and the issuers that will sign under it

                Nothing is signed under it yet. Proxies take it in with the next bundle; mesh trust status shows who has. With --certificate
                its key stays where it is, and with --standby the standby anchor becomes the new one: where the key is kept elsewhere, mesh
                issuer csr prints what it has to sign before it can be activated.
                """,
                "A new anchor is published. When mesh trust status shows that everybody holds it: mesh trust rotate activate",
                (client, parsed, options) => client.StartAnchorRotationAsync(
                    new StartAnchorRotationRequest
                    {
                        Certificate = parsed.GetValue(certificate) is { } file ? IssuerCertificateCommand.ReadCertificates(file) : "",
                        UseStandby = parsed.GetValue(standby),
                    },
                    options),
                certificate,
                standby),
            TrustStatusCommand.Create(context, "mesh trust rotate status"),
            Step(
                context,
                "activate",
                """
                Sign under the new anchor

                Refused while an instance has not acknowledged the bundle that names it. The old anchor still verifies.
                """,
                "The new anchor signs. When the certificates under the old one have ended: mesh trust rotate retire",
                (client, parsed, options) => client.ActivateAnchorAsync(new ActivateAnchorRequest { Force = parsed.GetValue(force) }, options),
                force),
            Step(
                context,
                "retire",
                """
                Take the old anchor out of the bundle

                Refused while something that lives depends on it, naming what. Join tokens from before the rotation end with it.
                """,
                "The old anchor is gone. The rotation is complete.",
                (client, parsed, options) => client.RetireAnchorAsync(new RetireAnchorRequest { Force = parsed.GetValue(force) }, options),
                force),
            Step(
                context,
                "abort",
                "Withdraw a new anchor that has not signed yet",
                "The new anchor is withdrawn. Nothing was signed under it.",
                (client, _, options) => client.AbortAnchorRotationAsync(new AbortAnchorRotationRequest(), options)),
        };
    }

    private static MeshCommand Step(
        CommandContext context,
        string name,
        string description,
        string done,
        Func<Mesh.Admin.V1.Admin.AdminClient, ParseResult, CallOptions, AsyncUnaryCall<TrustDomain>> call,
        params Option[] step)
    {
        var command = new MeshCommand(name, description, $"mesh trust rotate {name}");
        foreach (var option in step)
        {
            command.Add(option);
        }

        command.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var trust = await admin.CallAsync((client, options) => call(client, parsed, options), cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(trust));
            }
            else
            {
                CommandContext.Write(AuthorityTable.Build(trust.Anchors.Concat(trust.Issuers), [], trust.Requests));
                Console.WriteLine(done);
            }

            return ExitCodes.Ok;
        }));
        return command;
    }
}
