using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Spiffe;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh issuer csr</c> and <c>mesh issuer install</c>: certificates by an anchor whose key is kept elsewhere.</summary>
internal static class IssuerCertificateCommand
{
    private const string StandardInput = "-";

    /// <summary>Prints what awaits a signature.</summary>
    public static MeshCommand CreateCsr(CommandContext context)
    {
        var purpose = new Argument<string?>("PURPOSE") { Description = "workload, control-plane or bundle; all of them where it is left out", Arity = ArgumentArity.ZeroOrOne };
        purpose.AcceptOnlyFromAmong("workload", "control-plane", "bundle");
        var anchor = new Option<string?>("--anchor") { Description = "Those for this anchor alone: the beginning of its key hash", HelpName = "KEY" };
        var csr = new MeshCommand(
            "csr",
            """
            Print the certificate requests that an anchor has to sign whose key is kept elsewhere

            Their keys are in the silos' key store already. Sign each with the anchor, and hand the certificates in with mesh issuer
            install. The requests carry the extensions that are wanted; the profile is in docs/operations.md.
            """,
            "mesh issuer csr",
            "mesh issuer csr workload > workload.csr")
        {
            purpose, anchor,
        };
        csr.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var trust = await admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
            var signer = parsed.GetValue(anchor) is { } text ? KeyHashPrefix.Resolve(text, "anchor", "mesh trust status", trust.Anchors, []) : null;
            var wanted = trust.Requests
                .Where(request => (parsed.GetValue(purpose) ?? request.Purpose) == request.Purpose && (signer ?? request.AnchorKeyHash) == request.AnchorKeyHash)
                .ToList();
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(wanted));
            }
            else if (wanted.Count == 0)
            {
                throw new CliException(ExitCodes.CheckFailed, "No such key awaits a certificate.", "mesh issuer list shows what signs, and what waits.");
            }
            else
            {
                // PEM's readers pass over what stands between (RFC 7468 §2).
                Console.WriteLine(string.Join("\n", wanted.Select(request => $"# {request.Purpose}, key {request.KeyHash}, for anchor {request.AnchorKeyHash}\n{request.Csr}")));
            }

            return ExitCodes.Ok;
        }));
        return csr;
    }

    /// <summary>Hands certificates in.</summary>
    public static MeshCommand CreateInstall(CommandContext context)
    {
        var files = new Argument<string[]>("FILE") { Description = "Certificates in PEM; - reads standard input", Arity = ArgumentArity.OneOrMore };
        var install = new MeshCommand(
            "install",
            """
            Hand in certificates that an anchor has signed whose key is kept elsewhere

            All of them are taken, or none; what is wrong is named. An issuer stands by, published, until the one before it is due, is
            rotated or is revoked; where none signs, it signs at once. Installing one again changes nothing.
            """,
            "mesh issuer install workload.pem control-plane.pem",
            "cat *.pem | mesh issuer install -")
        {
            files,
        };
        install.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var request = new InstallCertificatesRequest { Pem = string.Join("\n", parsed.GetValue(files)!.Select(ReadCertificates)) };
            using var admin = context.Connect(parsed);
            var trust = await admin.CallAsync((client, options) => client.InstallCertificatesAsync(request, options), cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(trust));
                return ExitCodes.Ok;
            }

            CommandContext.Write(AuthorityTable.Build(trust.Issuers, [], trust.Requests));
            Console.WriteLine(trust.Requests.Count == 0
                ? "Everything is certified."
                : string.Create(CultureInfo.InvariantCulture, $"{trust.Requests.Count} keys still await a certificate: mesh issuer csr"));
            return ExitCodes.Ok;
        }));
        return install;
    }

    /// <summary>A file's certificates, looked at before they are sent: a key that lies among them stays here.</summary>
    /// <exception cref="CliException">It can't be read, or holds something else.</exception>
    internal static string ReadCertificates(string file)
    {
        var next = "Name files with certificates in PEM, as openssl x509 -out writes them.";
        try
        {
            var pem = file == StandardInput ? Console.In.ReadToEnd() : File.ReadAllText(file);
            PemCertificates.Read(pem);
            return pem;
        }
        catch (FormatException e)
        {
            throw new CliException(ExitCodes.Usage, $"{file}: {e.Message}", next);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.Usage, e.Message, next);
        }
    }
}
