using System.Reflection;

namespace Mesh.Spiffe.Tests;

/// <summary>Every file of the SPIFFE libraries is a test or on the list of those left out.</summary>
public sealed class VectorCoverageTests
{
    [Fact]
    public void Every_file_is_run_or_listed_with_its_reason()
    {
        var root = VectorFiles.Path("spiffe-vectors");
        var files = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'))
            .ToHashSet();
        var run = FilesOf(typeof(SpiffeSvidVectorTests))
            .Concat(FilesOf(typeof(SpiffeBundleVectorTests)))
            .Append(SpiffeBundleVectorTests.IdFile)
            .ToHashSet();

        Assert.Equal(files.Order(), run.Concat(VectorsLeftOut.Spiffe.Keys).Order());
    }

    private static IEnumerable<string> FilesOf(Type tests) =>
        tests.GetMethods()
            .SelectMany(method => method.GetCustomAttributes<InlineDataAttribute>())
            .Select(row => (string)row.Data[0]!);
}
