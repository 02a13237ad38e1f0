namespace Mesh.Cli.Output;

/// <summary>An end that is told in two lines: what happened, and what to do next.</summary>
internal sealed class CliException(int exitCode, string what, string next) : Exception(what)
{
    public int ExitCode => exitCode;

    public string Next => next;
}
