using System.Text.RegularExpressions;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Proxy.Tests.Metrics;

/// <summary>docs/metrics.md and the page that is scraped name the same metrics.</summary>
public sealed partial class MetricsDocumentTests
{
    [Fact]
    public void The_document_and_the_page_name_the_same_metrics()
    {
        var (documented, emitted) = (Documented(), Emitted());

        string[] differences =
        [
            .. emitted.Except(documented).Select(name => $"{name} is on the page and not in docs/metrics.md."),
            .. documented.Except(emitted).Select(name => $"{name} is in docs/metrics.md and not on the page."),
        ];
        Assert.Empty(differences);
    }

    // The first column of the table under '## Proxy'.
    private static List<string> Documented()
    {
        var file = Path.Combine(Root(), "docs", "metrics.md");
        Assert.True(File.Exists(file), $"{file} is missing.");
        return [.. File.ReadLines(file)
            .SkipWhile(line => !line.StartsWith("## Proxy", StringComparison.Ordinal) || line.StartsWith("## ProxyHost", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => !line.StartsWith('#'))
            .Select(line => NameInFirstColumn().Match(line))
            .Where(match => match.Success)
            .Select(match => match.Groups["name"].Value)];
    }

    private static List<string> Emitted()
    {
        var folder = Directory.CreateTempSubdirectory("mesh-proxy-test-");
        try
        {
            var clock = new FakeTimeProvider(TestTrustDomain.Now);
            var identity = new WorkloadIdentity(new EnrollmentFolder(folder.FullName), clock);
            using var credential = new TestTrustDomain("east.example").Credential();
            identity.Use(credential);
            var edges = new EdgeBook();
            edges.For(new EdgeKey(EdgeKind.Application, Direction.Inbound, "", "", 80, "true", "", "TLSv1.3")).Opened();
            var page = new MetricsPage(identity, edges, new RefusalCounters(), new CertificateGauges(identity, clock), TestTrustDomain.Now).Render();
            return [.. page.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Root()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "MeshOrleans.sln")))
        {
            at = at.Parent ?? throw new InvalidOperationException("The tests run inside the source tree.");
        }

        return at.FullName;
    }

    [GeneratedRegex(@"^\|\s*`(?<name>[a-z_]+)(\{[^`]*\})?`", RegexOptions.ExplicitCapture)]
    private static partial Regex NameInFirstColumn();
}
