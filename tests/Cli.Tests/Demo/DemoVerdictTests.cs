using Mesh.Admin.V1;
using Mesh.Cli.Demo;

namespace Mesh.Cli.Tests.Demo;

public sealed class DemoVerdictTests
{
    private static readonly ExplicitPlan Plan = PlanWith();

    [Fact]
    public void All_edges_in_mTLS_are_no_problem() => Assert.Empty(DemoVerdict.Problems(Plan, Expected(Plan)));

    [Fact]
    public void An_edge_that_was_never_seen_is_a_problem() =>
        Assert.Equal(["No traffic was seen from web to voting."], DemoVerdict.Problems(Plan, [.. Expected(Plan).Where(edge => edge.Destination != Plan.SpiffeId("voting"))]));

    [Fact]
    public void No_edges_at_all_are_one_problem_each() => Assert.Equal(7, DemoVerdict.Problems(Plan, []).Count);

    [Fact]
    public void An_edge_without_a_connection_was_not_seen()
    {
        var edges = Expected(Plan);
        edges[0].Connections = 0;

        Assert.Equal(["No traffic was seen from vote-bot to web."], DemoVerdict.Problems(Plan, edges));
    }

    [Fact]
    public void An_edge_of_another_kind_or_with_another_identity_does_not_count()
    {
        var edges = Expected(Plan);
        edges[0].Kind = "probe";
        edges[1].Destination = "spiffe://other.example/ns/emojivoto/sa/emoji";

        Assert.Equal(
            ["No traffic was seen from vote-bot to web.", "No traffic was seen from web to emoji."], DemoVerdict.Problems(Plan, edges));
    }

    [Theory]
    [InlineData("ingress", "disabled", "Not seen: a browser without an identity, in plaintext.")]
    [InlineData("probe", "disabled", "Not seen: a probe in plaintext, with the reason.")]
    [InlineData("scrape", "true", "Not seen: a scrape in mTLS, with the scraper's identity.")]
    [InlineData("ingress", "opaque", "Not seen: a browser's own TLS, opaque, which asks for vote.emojivoto.example.")]
    public void Each_further_kind_of_traffic_must_be_there_with_what_tells_it_from_the_rest(string kind, string tls, string problem)
    {
        void Check(Action<Edge> change)
        {
            var edges = Expected(Plan);
            change(edges.Single(edge => edge.Kind == kind && edge.Tls == tls));
            Assert.Equal([problem], DemoVerdict.Problems(Plan, edges));
        }

        Check(edge => edge.Kind = "other");
        Check(edge => edge.Connections = 0);
        Check(edge => edge.Tls = "no_identity");
        Check(edge => edge.Source = "spiffe://other.example/ns/monitoring/sa/prometheus");
        if (tls == "disabled")
        {
            Check(edge => edge.NoTlsReason = "");
        }
        else if (tls == "opaque")
        {
            Check(edge => edge.Sni = "");
        }
    }

    [Theory]
    [InlineData("disabled")]
    [InlineData("no_identity")]
    [InlineData("opaque")]
    [InlineData("")]
    public void Application_traffic_without_mTLS_is_a_problem_whoever_it_is_between(string tls)
    {
        var edge = new Edge { Kind = "application", Source = "a", Destination = "b", Tls = tls, NoTlsReason = "loopback", Connections = 1 };

        Assert.Equal([$"Traffic from a to b is not in mTLS: {tls} (loopback)."], DemoVerdict.Problems(Plan, [.. Expected(Plan), edge]));
    }

    [Fact]
    public void The_identities_are_those_of_the_trust_domain_that_was_set()
    {
        var plan = PlanWith("Silo:TrustDomain=east.example");

        Assert.Equal("spiffe://east.example/ns/emojivoto/sa/web", plan.SpiffeId("web"));
        Assert.Empty(DemoVerdict.Problems(plan, Expected(plan)));
        Assert.Equal(6, DemoVerdict.Problems(plan, Expected(Plan)).Count);
    }

    private static ExplicitPlan PlanWith(params string[] settings)
    {
        var read = DemoSettings.Parse(settings);
        return new ExplicitPlan(project => $"{project}.dll", new DemoPorts(null, read), read, "/nowhere");
    }

    private static Edge[] Expected(DemoPlan plan) =>
    [
        .. DemoPlan.ExpectedEdges.Select(edge => new Edge
        {
            Kind = "application", Source = plan.SpiffeId(edge.Source), Destination = plan.SpiffeId(edge.Destination), Tls = "true", Connections = 1,
        }),
        new Edge { Kind = "ingress", Destination = plan.SpiffeId("web"), Tls = "disabled", NoTlsReason = "no_tls_from_remote", Connections = 5 },
        new Edge
        {
            Kind = "ingress", Destination = plan.SpiffeId("web"), Tls = "opaque", NoTlsReason = "no_tls_from_remote", Sni = "vote.emojivoto.example", Connections = 5,
        },
        new Edge { Kind = "probe", Destination = plan.SpiffeId("web"), Tls = "disabled", NoTlsReason = "loopback", Connections = 5 },
        new Edge { Kind = "scrape", Source = $"spiffe://{plan.TrustDomainName}/ns/monitoring/sa/prometheus", Destination = plan.SpiffeId("web"), Tls = "true", Connections = 5 },
    ];
}
