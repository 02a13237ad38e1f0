using System.CommandLine;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Commands;

/// <summary>The options that every command has, and the ways in which commands speak.</summary>
internal sealed class CommandContext
{
    public Option<string> Data { get; } = new("--data")
    {
        Description = "Data folder of the silo on this machine [default: $MESH_DATA, else ~/.mesh-orleans]",
        HelpName = "DIR",
        Recursive = true,
    };

    public Option<Uri?> Server { get; } = new("--server")
    {
        Description = "Control plane elsewhere, https://HOST:PORT; needs --token-file and --bundle",
        HelpName = "URL",
        Recursive = true,
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var uri) && uri.Scheme == "https"
            ? uri
            : Mistake<Uri?>(result, $"--server '{result.Tokens[0].Value}' is not https://HOST:PORT."),
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = "Admin token for --server (admin-token in the silo's data folder)", HelpName = "FILE", Recursive = true,
    };

    public Option<string?> Bundle { get; } = new("--bundle")
    {
        Description = "Trust bundle for --server (mesh trust bundle > FILE)", HelpName = "FILE", Recursive = true,
    };

    public Option<string> Output { get; } = OutputOption();

    public string DataFolder(ParseResult parsed) => parsed.GetValue(Data)
        ?? Environment.GetEnvironmentVariable("MESH_DATA")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".mesh-orleans");

    public AdminConnection Connect(ParseResult parsed)
    {
        if (parsed.GetValue(Server) is not { } server)
        {
            return AdminConnection.ToFolder(DataFolder(parsed));
        }

        return parsed.GetValue(TokenFile) is { } token && parsed.GetValue(Bundle) is { } bundle
            ? AdminConnection.ToServer(server, token, bundle)
            : throw new CliException(ExitCodes.Usage, "--server needs --token-file and --bundle.", "Copy admin-token from the silo's data folder; mesh trust bundle prints the bundle.");
    }

    public bool WantsJson(ParseResult parsed) => parsed.GetValue(Output) == "json";

    /// <summary>A command's action, with its ends told in two lines and an exit code.</summary>
    public static Func<ParseResult, CancellationToken, Task<int>> Guard(Func<ParseResult, CancellationToken, Task<int>> action) =>
        async (parsed, cancellationToken) =>
        {
            try
            {
                return await action(parsed, cancellationToken);
            }
            catch (CliException end)
            {
                await Console.Error.WriteLineAsync($"error: {end.Message}");
                await Console.Error.WriteLineAsync($"  {end.Next}");
                return end.ExitCode;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ExitCodes.Ok;
            }
        };

    public static void Write(Spectre.Console.Rendering.IRenderable renderable) => AnsiConsole.Write(renderable);

    internal static T Mistake<T>(System.CommandLine.Parsing.ArgumentResult result, string message)
    {
        result.AddError(message);
        return default!;
    }

    private static Option<string> OutputOption()
    {
        var option = new Option<string>("--output", "-o") { Description = "table or json", HelpName = "FORMAT", DefaultValueFactory = _ => "table", Recursive = true };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }
}
