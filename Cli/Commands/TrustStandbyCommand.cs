using System.CommandLine;
using System.Security.Cryptography;
using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh trust standby</c>: the anchor that waits for the day the one in use is stolen or lost, its key kept elsewhere.</summary>
internal static class TrustStandbyCommand
{
    public static Command Create(CommandContext context) =>
        new("standby", "Keep the key of the standby anchor elsewhere, and bring it when it is needed") { CreateInstall(context), CreateImport(context) };

    private static MeshCommand CreateInstall(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "The anchor's certificate in PEM" };
        var install = new MeshCommand(
            "install",
            """
            Put an anchor whose key is kept elsewhere in the standby's place

            It is in every bundle from now on, and the standby before it is in none. Its key need never come near the mesh: mesh trust
            rotate start --standby has it sign from where it is.
            """,
            "mesh trust standby install standby.pem")
        {
            file,
        };
        install.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var request = new InstallStandbyRequest { Certificate = IssuerCertificateCommand.ReadCertificates(parsed.GetValue(file)!) };
            using var admin = context.Connect(parsed);
            var trust = await admin.CallAsync((client, options) => client.InstallStandbyAsync(request, options), cancellationToken);
            Show(context, parsed, trust, "The standby anchor is published. mesh trust status --watch shows who knows it.");
            return ExitCodes.Ok;
        }));
        return install;
    }

    private static MeshCommand CreateImport(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "The anchor's private key in PEM; one with a passphrase is opened here" };
        var passphrase = new Option<string?>("--passphrase-file") { Description = "The file whose first line is the key's passphrase", HelpName = "FILE" };
        var import = new MeshCommand(
            "import",
            """
            Bring the key of a standby anchor that was kept elsewhere, so that it can take over at once

            It goes over the unix socket of a silo on this machine, and is sealed into the key store. From then on the anchor is as safe
            as that store. Then revoke the anchor in use: mesh trust revoke KEY.
            """,
            "mesh trust standby import standby.key --passphrase-file passphrase")
        {
            file, passphrase,
        };
        import.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(context.Server) is not null)
            {
                throw new CliException(ExitCodes.Usage, "An anchor's key does not travel: --server is not for this command.", "Run it on a silo's own machine.");
            }

            var request = new ImportAnchorKeyRequest { PrivateKey = ReadKey(parsed.GetValue(file)!, parsed.GetValue(passphrase)) };
            using var admin = context.Connect(parsed);
            var trust = await admin.CallAsync((client, options) => client.ImportAnchorKeyAsync(request, options), cancellationToken);
            Show(context, parsed, trust, "The key is sealed into the key store. The anchor can take over: mesh trust revoke, or mesh trust rotate start --standby.");
            return ExitCodes.Ok;
        }));
        return import;
    }

    private static void Show(CommandContext context, ParseResult parsed, TrustDomain trust, string done)
    {
        if (context.WantsJson(parsed))
        {
            Console.WriteLine(JsonOutput.Of(trust));
            return;
        }

        CommandContext.Write(AuthorityTable.Build(trust.Anchors, [], trust.Requests));
        Console.WriteLine(done);
    }

    private static string ReadKey(string file, string? passphraseFile)
    {
        try
        {
            using var key = ECDsa.Create();
            if (passphraseFile is null)
            {
                key.ImportFromPem(File.ReadAllText(file));
            }
            else
            {
                key.ImportFromEncryptedPem(File.ReadAllText(file), File.ReadLines(passphraseFile).FirstOrDefault(""));
            }

            return key.ExportPkcs8PrivateKeyPem();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.Usage, e.Message, "Name the file with the key, and with --passphrase-file the one with its passphrase.");
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new CliException(
                ExitCodes.Usage, $"{file} does not hold one EC private key in PEM that can be opened.", "A key with a passphrase needs --passphrase-file, with the right one.");
        }
    }
}
