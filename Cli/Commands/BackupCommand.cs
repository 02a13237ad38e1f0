using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh backup</c>: everything that the silos keep, in one file.</summary>
internal static class BackupCommand
{
    public static MeshCommand Create(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "Where the backup goes; - is stdout" };
        var force = new Option<bool>("--force") { Description = "Replace the file where it is there already" };
        var backup = new MeshCommand(
            "backup",
            """
            Back up everything that the silos keep, while they run

            Trust, keys (sealed), policies, services, and what was issued, all as of one moment. The key-encryption keys are not in it: keep
            key-encryption.key and anchor-encryption.key of a silo's data folder elsewhere, since together they are the mesh.
            """,
            "mesh backup mesh-2026-11-24.backup",
            "mesh backup - --server https://silo.example:8443 --token-file admin-token --bundle bundle.json")
        {
            file, force,
        };
        backup.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var name = parsed.GetRequiredValue(file);
            var summary = name == "-"
                ? await FetchAsync(admin, Console.OpenStandardOutput(), cancellationToken)
                : await FetchAsync(admin, Path.GetFullPath(name), parsed.GetValue(force), cancellationToken);
            if (name != "-")
            {
                Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(summary) : Describe(summary, name));
            }

            return ExitCodes.Ok;
        }));
        return backup;
    }

    private static string Describe(BackupSummary summary, string name) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {summary.TrustDomain} as of {TimeText.Of(summary.TakenAt.ToDateTimeOffset())} is in {name}: {summary.Rows:N0} rows, {summary.Bytes / 1024.0:N0} KiB.
        A restore needs key-encryption.key ({summary.KeyEncryptionKey}) and anchor-encryption.key ({summary.AnchorEncryptionKey}).
        """);

    // Under another name until it is whole.
    private static async Task<BackupSummary> FetchAsync(AdminConnection admin, string path, bool force, CancellationToken cancellationToken)
    {
        if (File.Exists(path) && !force)
        {
            throw new CliException(ExitCodes.Usage, $"{path} is there already.", "Name another file, or replace it with --force.");
        }

        var partial = path + ".partial";
        try
        {
            BackupSummary summary;
            await using (var destination = new FileStream(partial, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                Options = FileOptions.Asynchronous,
            }))
            {
                summary = await FetchAsync(admin, destination, cancellationToken);
                destination.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: force);
            return summary;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.Environment, $"The backup could not be written: {e.Message}", "Make room, or name another file.");
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static async Task<BackupSummary> FetchAsync(AdminConnection admin, Stream destination, CancellationToken cancellationToken)
    {
        var progress = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        BackupSummary? summary = null;
        var received = 0L;
        await progress.Progress().AutoClear(true).HideCompleted(true).StartAsync(async shown =>
        {
            var task = Console.IsErrorRedirected ? null : shown.AddTask("backup");
            await admin.ReadAsync(
                (client, options) => client.CreateBackup(new CreateBackupRequest(), options),
                async part =>
                {
                    if (part.Summary is { } first)
                    {
                        summary = first;
                        task?.MaxValue(first.Bytes);
                        return;
                    }

                    await destination.WriteAsync(part.Data.Memory, cancellationToken);
                    received += part.Data.Length;
                    task?.Increment(part.Data.Length);
                },
                cancellationToken);
        });
        await destination.FlushAsync(cancellationToken);
        return summary is { } whole && whole.Bytes == received
            ? whole
            : throw new CliException(ExitCodes.CheckFailed, "The backup ended before it was whole.", "Run it again.");
    }
}
