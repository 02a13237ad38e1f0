using System.CommandLine;
using System.Text.RegularExpressions;
using Mesh.Cli.Commands;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

public sealed partial class CommandLineTests
{
    public static TheoryData<string> Leaves => [.. AllCommands(MeshCommandLine.Create(), "").Where(leaf => leaf.Command.Subcommands.Count == 0).Select(leaf => leaf.Path)];

    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "", "Required command was not provided.", "mesh" },
        { "bogus", "Unrecognized command or argument 'bogus'.", "mesh" },
        { "edges bogus", "Unrecognized command or argument 'bogus'.", "mesh edges" },
        { "edges --bogus 1", "Unrecognized command or argument '--bogus'.", "mesh edges" },
        { "edges --output xml", "Argument 'xml' not recognized. Must be one of: 'table', 'json'.", "mesh edges" },
        { "edges --server http://silo:8443", "--server 'http://silo:8443' is not https://HOST:PORT.", "mesh edges" },
        { "identity web emoji", "Unrecognized command or argument 'emoji'.", "mesh identity" },
        { "token create shop/web", "Option '--address' is required.", "mesh token create" },
        { "policy set-default shop/web maybe", "Argument 'maybe' not recognized. Must be one of: 'deny', 'cluster-authenticated', 'all-authenticated', 'all-unauthenticated'.", "mesh policy set-default" },
        { "demo --base-port x", "--base-port 'x' is not a port from 1 to 65510.", "mesh demo" },
        { "demo --base-port 65511", "--base-port '65511' is not a port from 1 to 65510.", "mesh demo" },
        { "demo --base-port 0", "--base-port '0' is not a port from 1 to 65510.", "mesh demo" },
        { "completion tcsh", "Argument 'tcsh' not recognized. Must be one of: 'bash', 'zsh', 'fish'.", "mesh completion" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_wrong_command_line_is_told_in_one_line_and_a_way_to_help(string line, string what, string command)
    {
        var mistake = MeshCommandLine.Mistake(Parse(line));

        Assert.Equal((what, $"{command} --help shows how."), mistake);
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("demo --base-port 70000")]
    [InlineData("demo --duration 30")]
    [InlineData("demo --duration 0s")]
    [InlineData("demo --set Leaf")]
    [InlineData("token create shop/web --address https://127.0.0.1:1 --lifetime 5")]
    [InlineData("token create shop --address https://127.0.0.1:1")]
    [InlineData("edges --server https://127.0.0.1:1")]
    [InlineData("edges --server https://127.0.0.1:1 --token-file /nowhere --bundle /nowhere")]
    public async Task A_mistake_ends_the_program_with_code_2_and_two_lines_on_stderr(string line)
    {
        var outcome = await MeshProgram.RunAsync(line.Split(' '));

        Assert.Equal(ExitCodes.Usage, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        Assert.Collection(
            outcome.ErrorLines,
            what => Assert.Matches("^error: .+\\.$", what),
            next => Assert.Matches("^  [^ ].+", next));
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public async Task Every_commands_help_ends_with_examples(string path)
    {
        using var output = new StringWriter();
        var exitCode = await Parse($"{path} --help").InvokeAsync(
            new InvocationConfiguration { Output = output }, TestContext.Current.CancellationToken);

        Assert.Equal(ExitCodes.Ok, exitCode);
        var examples = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).SkipWhile(text => text != "Examples:").Skip(1).ToList();
        Assert.NotEmpty(examples);
        Assert.Contains(examples, example => example.Contains($"mesh {path}", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Every_example_is_a_right_command_line(string path)
    {
        var command = AllCommands(MeshCommandLine.Create(), "").Single(leaf => leaf.Path == path).Command;

        Assert.All(Assert.IsType<MeshCommand>(command).Examples, example =>
        {
            // Without what the shell does with it, and without the purpose that stands behind it.
            var line = CommandInExample().Match(example).Groups["line"].Value.Trim();
            Assert.Null(MeshCommandLine.Mistake(Parse(line)));
            Assert.Empty(Parse(line).Errors);
        });
    }

    [Fact]
    public async Task The_programs_help_lists_the_exit_codes_and_a_line_for_each_command()
    {
        var outcome = await MeshProgram.RunAsync("--help");

        foreach (var code in Enumerable.Range(0, 7))
        {
            Assert.Contains(outcome.OutputLines, line => line.StartsWith($"    {code}  ", StringComparison.Ordinal));
        }

        Assert.DoesNotContain("Examples:", outcome.Output, StringComparison.Ordinal);
        var commands = outcome.OutputLines.SkipWhile(line => line != "Commands:").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);
        Assert.Equal(["demo", "edges", "identity", "trust", "issuer", "workload", "token", "service", "policy", "backup", "restore", "keystore", "version", "completion"], commands);
    }

    [Fact]
    public void Exit_codes_are_what_scripts_know_them_as() => Assert.Equal(
        [0, 1, 2, 3, 4, 5, 6],
        [ExitCodes.Ok, ExitCodes.Fault, ExitCodes.Usage, ExitCodes.Environment, ExitCodes.CheckFailed, ExitCodes.Unreachable, ExitCodes.Refused]);

    [Theory]
    [InlineData("bash", "complete -F _mesh mesh")]
    [InlineData("zsh", "compdef _mesh mesh")]
    [InlineData("fish", "complete -f -c mesh")]
    public async Task A_completion_script_asks_the_program_itself(string shell, string registers)
    {
        var outcome = await MeshProgram.RunAsync("completion", shell);

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Contains(registers, outcome.Output, StringComparison.Ordinal);
        Assert.Contains("mesh \"[suggest:", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mesh ed", "edges")]
    [InlineData("mesh token ", "create-proxyhost")]
    [InlineData("mesh demo --b", "--base-port")]
    [InlineData("mesh edges --output ", "json")]
    public async Task What_is_typed_so_far_is_completed(string typed, string expected)
    {
        var outcome = await MeshProgram.RunAsync($"[suggest:{typed.Length}]", typed);

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Contains(expected, outcome.OutputLines);
    }

    [Fact]
    public async Task Bash_completes_with_the_script()
    {
        var folder = Directory.CreateTempSubdirectory("mesh-cli-test-");
        try
        {
            var script = await MeshProgram.RunAsync("completion", "bash");
            // The script calls "mesh": what a shell finds under that name is the program under test.
            var mesh = $"mesh() {{ dotnet '{MeshProgram.Assembly}' \"$@\"; }}";
            var file = Path.Combine(folder.FullName, "try.sh");
            await File.WriteAllTextAsync(
                file,
                $"{mesh}\n{script.Output}\nCOMP_LINE='mesh ed' COMP_POINT=7 COMP_WORDS=(mesh ed) COMP_CWORD=1\n_mesh\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
                TestContext.Current.CancellationToken);
            using var bash = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("bash", [file]) { RedirectStandardOutput = true })!;

            Assert.Equal("edges\n", await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ParseResult Parse(string line) => MeshCommandLine.Create().Parse([.. System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(line)]);

    private static IEnumerable<(Command Command, string Path)> AllCommands(Command command, string path) => command.Subcommands.SelectMany(below =>
        AllCommands(below, $"{path} {below.Name}".Trim()).Prepend((below, $"{path} {below.Name}".Trim())));

    [GeneratedRegex(@"mesh (?<line>.*?)(\)|>|  |$)", RegexOptions.ExplicitCapture)]
    private static partial Regex CommandInExample();
}
