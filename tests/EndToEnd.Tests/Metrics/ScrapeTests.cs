using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Metrics;

/// <summary>What silo and ProxyHost show is what docs/metrics.md says.</summary>
public class ScrapeTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    [Theory]
    [InlineData("Silo")]
    [InlineData("ProxyHost")]
    public async Task Every_metric_of_ours_is_in_the_table_and_every_one_in_the_table_is_there(string process)
    {
        var documented = MetricsTable.Of(process);

        var scrape = await Scrape.ReadAsync(MetricsOf(process));

        Assert.Equal(
            documented.Select(metric => $"{metric.Name} {metric.Type}").Order(),
            scrape.Types.Where(metric => IsOurs(metric.Key)).Select(metric => $"{metric.Key} {metric.Value}").Order());
        Assert.All(documented, metric =>
        {
            var samples = scrape.Samples.Where(sample => sample.Name == metric.Name).ToList();
            Assert.NotEmpty(samples);
            Assert.All(samples, sample =>
            {
                Assert.Subset(sample.Labels.Keys.ToHashSet(), metric.Labels.ToHashSet());
                Assert.Subset(metric.Labels.Concat(metric.SometimesLabels).ToHashSet(), sample.Labels.Keys.ToHashSet());
            });
        });
    }

    [Theory]
    [InlineData("Silo")]
    [InlineData("ProxyHost")]
    public async Task What_is_not_ours_begins_as_the_document_says(string process)
    {
        var prefixes = MetricsTable.LibraryPrefixes();

        var scrape = await Scrape.ReadAsync(MetricsOf(process));

        Assert.All(
            scrape.Types.Keys.Where(name => !IsOurs(name)),
            name => Assert.Contains(prefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_happened_before_the_first_scrape_is_counted()
    {
        await using var mesh = await MeshUnderTest.StartAsync();

        var silo = await Scrape.ReadAsync(mesh.SiloMetrics);

        Assert.Equal(1, silo.Value("mesh_svid_issued_total", "purpose", "control-plane"));
        Assert.Equal(0, silo.Value("mesh_svid_issued_total", "purpose", "workload"));
    }

    [Fact]
    public async Task A_certificate_shows_until_when_it_is_good()
    {
        var trust = await Mesh.TrustAsync();

        var silo = await Scrape.ReadAsync(Mesh.SiloMetrics);
        var proxyHost = await Scrape.ReadAsync(Mesh.ProxyHostMetrics);

        Assert.All(trust.Anchors.Concat(trust.Issuers), authority => Assert.Equal(
            authority.NotAfter.Seconds, silo.Value("mesh_certificate_expiration_timestamp_seconds", "key", authority.KeyHash)));
        Assert.InRange(silo.Value("mesh_certificate_life_left_ratio", "purpose", "silo"), 0.9, 1);
        Assert.InRange(proxyHost.Value("mesh_certificate_life_left_ratio", "purpose", "proxyhost"), 0.9, 1);
    }

    [Fact]
    public async Task A_revoked_issuer_is_shown_no_more_and_its_successor_is()
    {
        var revoked = (await Mesh.TrustAsync()).Issuers.Single(issuer => issuer.Purpose == "workload").KeyHash;

        await Mesh.RevokeIssuerAsync(revoked);

        var successor = (await Mesh.TrustAsync()).Issuers.Single(issuer => issuer.Purpose == "workload").KeyHash;
        await Eventually.UntilAsync(
            async () => string.Join(' ', (await Scrape.ReadAsync(Mesh.SiloMetrics)).Samples
                .Where(sample => sample.Name.StartsWith("mesh_certificate_", StringComparison.Ordinal) && sample.Labels["purpose"] == "workload")
                .Select(sample => sample.Labels["key"])
                .Distinct()),
            shown => shown == successor,
            $"{successor} is shown in the place of {revoked}");
    }

    private Uri MetricsOf(string process) => process == "Silo" ? Mesh.SiloMetrics : Mesh.ProxyHostMetrics;

    private static bool IsOurs(string name) => name.StartsWith("mesh_", StringComparison.Ordinal);
}
