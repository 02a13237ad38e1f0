using System.CommandLine;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh completion</c>: scripts that make a shell ask <c>mesh</c> itself what could come next.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _mesh() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(mesh "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -F _mesh mesh
        """;

    private const string Zsh = """
        #compdef mesh
        _mesh() {
            local -a answers
            answers=("${(@f)$(mesh "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            compadd -- $answers
        }
        compdef _mesh mesh
        """;

    private const string Fish = """
        complete -f -c mesh -a '(mesh "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new MeshCommand(
            "completion",
            "Print a completion script for a shell",
            "source <(mesh completion bash)",
            "mesh completion fish > ~/.config/fish/completions/mesh.fish")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            Console.WriteLine(parsed.GetValue(shell) switch { "zsh" => Zsh, "fish" => Fish, _ => Bash });
            return Output.ExitCodes.Ok;
        });
        return command;
    }
}
