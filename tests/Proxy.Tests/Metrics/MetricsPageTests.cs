using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Proxy.Tests.Metrics;

public sealed class MetricsPageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-proxy-test-");
    private readonly TestTrustDomain _east = new("east.example");
    private readonly EdgeBook _edges = new();
    private readonly RefusalCounters _refusals = new();
    private readonly FakeTimeProvider _clock = new(TestTrustDomain.Now);
    private readonly WorkloadIdentity _identity;
    private readonly MetricsPage _page;

    public MetricsPageTests()
    {
        _identity = new WorkloadIdentity(new EnrollmentFolder(_folder.FullName), _clock);
        _page = new MetricsPage(_identity, _edges, _refusals, new CertificateGauges(_identity, _clock), TestTrustDomain.Now);
    }

    [Fact]
    public void An_inbound_connection_has_Linkerds_labels()
    {
        var edge = _edges.For(new EdgeKey(EdgeKind.Application, Direction.Inbound, "spiffe://east.example/ns/shop/sa/web", "", 8080, "true", "", "TLSv1.3"));
        edge.Opened();
        edge.FromOpener(5);
        edge.ToOpener(7);
        edge.Closed(cleanly: false);

        const string Labels = """direction="inbound",peer="src",target_port="8080",tls="true",client_id="spiffe://east.example/ns/shop/sa/web",kind="application" """;
        var labels = Labels.TrimEnd();
        AssertHas($"tcp_open_total{{{labels}}} 1");
        AssertHas($"tcp_open_connections{{{labels}}} 0");
        AssertHas($"tcp_close_total{{{labels},errno=\"\"}} 0");
        AssertHas($"tcp_close_total{{{labels},errno=\"ABORTED\"}} 1");
        AssertHas($"tcp_read_bytes_total{{{labels}}} 5");
        AssertHas($"tcp_write_bytes_total{{{labels}}} 7");
    }

    [Fact]
    public void An_outbound_connection_without_TLS_says_why_and_where_to()
    {
        _edges.For(new EdgeKey(
            EdgeKind.Application, Direction.Outbound, "", "voting.emojivoto:8080", 8080, "no_identity", "not_provided_by_service_discovery", "TCP")).Opened();

        AssertHas(
            """tcp_open_total{direction="outbound",peer="dst",target_port="8080",tls="no_identity",no_tls_reason="not_provided_by_service_discovery",authority="voting.emojivoto:8080",kind="application"} 1""");
    }

    [Fact]
    public void TLS_that_is_not_ours_shows_the_name_that_it_asks_for()
    {
        var anonymous = new EdgeKey(EdgeKind.Ingress, Direction.Inbound, "", "", 8080, "opaque", "no_tls_from_remote", "TLS");
        _edges.For(anonymous).Opened();
        _edges.For(anonymous with { ServerName = "shop\".example" }).Opened();

        const string Labels = """direction="inbound",peer="src",target_port="8080",tls="opaque",no_tls_reason="no_tls_from_remote" """;
        AssertHas($"tcp_open_total{{{Labels.TrimEnd()},kind=\"ingress\"}} 1");
        AssertHas($$"""tcp_open_total{{{Labels.TrimEnd()}},sni="shop\".example",kind="ingress"} 1""");
    }

    [Fact]
    public void A_label_with_a_quote_a_backslash_or_a_newline_stays_one_label()
    {
        _edges.For(new EdgeKey(EdgeKind.Application, Direction.Outbound, "", "a\"b\\c\nd", 80, "true", "", "TLSv1.3")).Opened();

        AssertHas(
            """tcp_open_total{direction="outbound",peer="dst",target_port="80",tls="true",authority="a\"b\\c\nd",kind="application"} 1""");
    }

    [Fact]
    public void Edges_that_differ_in_their_protocol_alone_are_one_series()
    {
        foreach (var protocol in new[] { "HTTP/1.1", "TCP" })
        {
            var edge = _edges.For(new EdgeKey(EdgeKind.Ingress, Direction.Inbound, "", "", 8080, "disabled", "no_tls_from_remote", protocol));
            edge.Opened();
            edge.FromOpener(100);
        }

        AssertHas("""tcp_open_total{direction="inbound",peer="src",target_port="8080",tls="disabled",no_tls_reason="no_tls_from_remote",kind="ingress"} 2""");
        AssertHas("""tcp_read_bytes_total{direction="inbound",peer="src",target_port="8080",tls="disabled",no_tls_reason="no_tls_from_remote",kind="ingress"} 200""");
        var series = Lines().Where(line => line[0] != '#').Select(line => line[..line.LastIndexOf(' ')]).ToList();
        Assert.Equal(series.Distinct(), series);
    }

    [Fact]
    public void An_edge_that_was_only_refused_is_counted_as_a_refusal_and_not_as_a_connection()
    {
        _edges.For(new EdgeKey(EdgeKind.Ingress, Direction.Inbound, "", "", 8080, "disabled", "no_tls_from_remote", "TCP")).Refused();
        _refusals.Add("inbound", "policy");
        _refusals.Add("inbound", "policy");

        AssertHas("""mesh_proxy_refused_total{direction="inbound",reason="policy"} 2""");
        Assert.DoesNotContain(Lines(), line => line.StartsWith("tcp_open_total{", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_certificate_that_it_stands_on_shows_when_it_ends_and_how_much_of_its_life_is_left()
    {
        using var credential = _east.Credential();
        _identity.Use(credential);
        _identity.Bundles.AcceptFirst(new TestBundles(_east).Sign(_east.Bundle));

        // Its leaf began an hour before, and lives for twenty-four.
        _clock.Advance(TimeSpan.FromHours(11));

        AssertHas($"mesh_certificate_expiration_timestamp_seconds{{purpose=\"proxy\"}} {TestTrustDomain.Now.AddHours(23).ToUnixTimeSeconds()}");
        AssertHas("mesh_certificate_life_left_ratio{purpose=\"proxy\"} 0.5");
        var issuer = $"{{purpose=\"workload\",key=\"{_east.WorkloadIssuer.KeyHash}\"}}";
        AssertHas($"mesh_certificate_expiration_timestamp_seconds{issuer} {TestTrustDomain.Now.AddDays(30).ToUnixTimeSeconds()}");
        var anchor = $"{{purpose=\"anchor\",stage=\"active\",key=\"{_east.Anchor.KeyHash}\"}}";
        AssertHas($"mesh_certificate_expiration_timestamp_seconds{anchor} {TestTrustDomain.Now.AddDays(3650).ToUnixTimeSeconds()}");
        _clock.Advance(TimeSpan.FromHours(13));
        AssertHas("mesh_certificate_life_left_ratio{purpose=\"proxy\"} 0");
    }

    [Fact]
    public void The_identity_shows_when_it_ends_which_bundle_is_in_force_and_whether_traffic_may_pass()
    {
        AssertHas("mesh_proxy_ready 0");
        AssertHas("identity_cert_refresh_count 0");
        AssertHas("mesh_proxy_bundle_sequence 0");
        Assert.DoesNotContain(Lines(), line => line.StartsWith("identity_cert_expiration", StringComparison.Ordinal));

        using var credential = _east.Credential();
        _identity.Use(credential);
        _identity.Bundles.AcceptFirst(new TestBundles(_east).Sign(_east.Bundle with { Sequence = 42 }));
        _identity.Use(new WorkloadPolicy { Version = 1, DefaultPolicy = DefaultPolicy.Deny });

        AssertHas("mesh_proxy_ready 1");
        AssertHas("identity_cert_refresh_count 1");
        AssertHas("mesh_proxy_bundle_sequence 42");
        AssertHas($"identity_cert_expiration_timestamp_seconds {TestTrustDomain.Now.AddHours(23).ToUnixTimeSeconds()}");
        AssertHas($"process_start_time_seconds {TestTrustDomain.Now.ToUnixTimeSeconds()}");
    }

    [Fact]
    public void Every_family_has_its_type_and_help_before_its_samples()
    {
        _edges.For(new EdgeKey(EdgeKind.Probe, Direction.Inbound, "", "", 4191, "disabled", "loopback", "HTTP/1.1")).Opened();
        var described = new HashSet<string>();
        foreach (var line in Lines())
        {
            var words = line.Split(' ', '{');
            if (words is ["#", "TYPE", var name, "counter" or "gauge"])
            {
                Assert.True(described.Add(name), $"{name} is described twice.");
            }
            else if (words[0] != "#")
            {
                Assert.Contains(words[0], described);
            }
        }

        Assert.Equal(14, described.Count);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void AssertHas(string line) => Assert.Contains(line, Lines());

    private string[] Lines() => _page.Render().Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
