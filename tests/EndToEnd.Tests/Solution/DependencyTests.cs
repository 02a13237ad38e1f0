using System.Xml.Linq;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Solution;

/// <summary>Who may know of whom. The arrows are docs/ARCHITECTURE.md's.</summary>
public class DependencyTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Spiffe"] = [],
        ["Grains.Interfaces"] = ["Spiffe"],
        ["Grains"] = ["Grains.Interfaces"],
        ["Silo"] = ["Grains"],
        ["ProxyHost"] = ["Grains.Interfaces"],
        ["Proxy"] = ["Spiffe"],
        ["Cli"] = ["Spiffe"],
        ["Demo"] = [],
    };

    [Fact]
    public void Projects_reference_what_the_architecture_allows_and_nothing_else() =>
        Assert.All(Allowed, project => Assert.Equal(project.Value.Order(), References(project.Key, "ProjectReference").Order()));

    [Fact]
    public void Spiffe_stands_on_the_base_class_library_alone() => Assert.Empty(References("Spiffe", "PackageReference"));

    [Theory]
    [InlineData("Proxy")]
    [InlineData("Cli")]
    [InlineData("Demo")]
    public void What_speaks_to_the_mesh_from_outside_knows_no_grain_and_no_Orleans(string project)
    {
        Assert.DoesNotContain(References(project, "PackageReference"), package => package.StartsWith("Microsoft.Orleans", StringComparison.Ordinal));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Path.GetDirectoryName(FileOf(project))!, "*.cs", SearchOption.AllDirectories),
            file => File.ReadAllText(file).Contains("Mesh.Grains", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_project_is_in_the_solution_and_has_its_rule_here()
    {
        var solution = File.ReadAllText(Path.Combine(Programs.Root, "MeshOrleans.sln"));
        var projects = Directory.EnumerateFiles(Programs.Root, "*.csproj", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Programs.Root, file))
            .Where(file => !file.StartsWith("artifacts", StringComparison.Ordinal))
            .ToList();

        Assert.All(projects, file => Assert.Contains(file.Replace('/', '\\'), solution, StringComparison.Ordinal));
        Assert.All(
            projects.Where(file => !file.StartsWith("tests", StringComparison.Ordinal) && !file.StartsWith("bench", StringComparison.Ordinal)),
            file => Assert.Contains(Path.GetFileNameWithoutExtension(file), Allowed.Keys));
    }

    private static IEnumerable<string> References(string project, string kind) => XDocument.Load(FileOf(project)).Descendants(kind)
        .Select(reference => reference.Attribute("Include")!.Value)
        .Select(include => kind == "ProjectReference" ? Path.GetFileNameWithoutExtension(include) : include);

    private static string FileOf(string project) => Path.Combine(Programs.Root, project == "Demo" ? "demo" : project, $"{project}.csproj");
}
