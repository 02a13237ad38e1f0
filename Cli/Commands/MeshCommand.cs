using System.CommandLine;

namespace Mesh.Cli.Commands;

/// <summary>A command with examples, which its help shows last.</summary>
/// <param name="name">What is typed.</param>
/// <param name="description">One line, which the help of the command above shows too.</param>
/// <param name="examples">Command lines, each with its purpose after two spaces or none.</param>
internal sealed class MeshCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples => examples;
}
