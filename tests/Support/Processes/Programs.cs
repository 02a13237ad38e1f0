namespace Mesh.Tests.Processes;

/// <summary>The programs under test, as the build of this very configuration left them.</summary>
internal static class Programs
{
    // …/artifacts/bin/TESTS/CONFIGURATION/
    private static readonly DirectoryInfo Here = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>debug or release.</summary>
    public static string Configuration => Here.Name;

    /// <summary>The project's root.</summary>
    public static string Root => Above(Here);

    public static string Assembly(string project, string? assembly = null) =>
        Path.Combine(Here.Parent!.Parent!.FullName, project, Configuration, $"{assembly ?? project}.dll");

    private static string Above(DirectoryInfo? folder)
    {
        for (; folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MeshOrleans.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("The tests do not run from inside the source tree.");
    }
}
