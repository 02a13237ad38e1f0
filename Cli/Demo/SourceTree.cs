using System.Diagnostics;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>The project's own source tree, from which the demo builds what it starts.</summary>
internal sealed class SourceTree
{
    private const string Solution = "MeshOrleans.sln";
    private const string DemoFilter = "Cli/Demo/demo.slnf";

    private readonly string _root;
    private readonly string _configuration;

    private SourceTree(string root, string configuration) => (_root, _configuration) = (root, configuration);

    /// <exception cref="CliException">Neither the program nor the current folder is inside the source tree.</exception>
    /// <param name="configuration">Release or Debug: which build the demo starts.</param>
    public static SourceTree Find(string configuration) => new(
        Above(Environment.CurrentDirectory) ?? Above(AppContext.BaseDirectory) ?? throw new CliException(
            ExitCodes.Environment, "The demo starts the mesh from its source tree, and this is not inside it.", $"Run it in a clone, beside {Solution}."),
        configuration);

    /// <summary>The assembly of a project, whichever way it was built last.</summary>
    /// <exception cref="CliException">This is not inside the source tree, or the project was not built yet.</exception>
    public static string FindBuilt(string project)
    {
        string[] paths = [Find("release").Path(project), Find("debug").Path(project)];
        return paths.Where(File.Exists).MaxBy(File.GetLastWriteTimeUtc) ?? Find("release").Assembly(project);
    }

    /// <summary>The assembly that a project was built into.</summary>
    /// <exception cref="CliException">It was not built yet.</exception>
    public string Assembly(string project)
    {
        var path = Path(project);
        return File.Exists(path)
            ? path
            : throw new CliException(ExitCodes.Environment, $"{project} has not been built in {_configuration}: there is no {path}.", "Leave --no-build out.");
    }

    /// <summary>Builds everything that the demo starts.</summary>
    /// <exception cref="CliException">The build has failed; what it said is on stderr.</exception>
    public async Task BuildAsync(CancellationToken cancellationToken)
    {
        // Build servers would outlive the demo, which leaves no process behind.
        var start = new ProcessStartInfo(
            "dotnet", ["build", DemoFilter, "-c", _configuration, "-nologo", "-v", "quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false"])
        {
            WorkingDirectory = _root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var build = Process.Start(start) ?? throw new CliException(ExitCodes.Environment, "dotnet could not be started.", "Install the .NET SDK.");
        var output = build.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = build.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await build.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            build.Kill(entireProcessTree: true);
            throw;
        }

        if (build.ExitCode != 0)
        {
            await Console.Error.WriteLineAsync(await output + await errors);
            throw new CliException(ExitCodes.Environment, "The build has failed.", $"What it said is above; dotnet build {DemoFilter} -c {_configuration} says it again.");
        }
    }

    private string Path(string project) =>
        System.IO.Path.Combine(_root, "artifacts", "bin", project, _configuration.ToLowerInvariant(), $"{project}.dll");

    private static string? Above(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(at.FullName, Solution)))
            {
                return at.FullName;
            }
        }

        return null;
    }
}
