using Mesh.Admin.V1;
using Mesh.Cli.Demo;

namespace Mesh.Cli.Tests.Demo;

public sealed class DemoVerdictTests
{
    private static readonly ExplicitPlan Plan = PlanWith();

    [Fact]
    public void All_edges_in_mTLS_are_no_problem() => Assert.Empty(DemoVerdict.Problems(Plan, [.. Expected(Plan), Ingress()]));

    [Fact]
    public void An_edge_that_was_never_seen_is_a_problem() =>
        Assert.Equal(["No traffic was seen from web to voting."], DemoVerdict.Problems(Plan, [.. Expected(Plan).SkipLast(1)]));

    [Fact]
    public void No_edges_at_all_are_one_problem_each() => Assert.Equal(3, DemoVerdict.Problems(Plan, []).Count);

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
        Assert.Equal(3, DemoVerdict.Problems(plan, Expected(Plan)).Count);
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
    ];

    private static Edge Ingress() => new() { Kind = "ingress", Destination = Plan.SpiffeId("web"), Tls = "disabled", NoTlsReason = "no_tls_from_remote", Connections = 5 };
}
