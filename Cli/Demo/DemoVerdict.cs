using Mesh.Admin.V1;

namespace Mesh.Cli.Demo;

/// <summary>Whether the demo has shown what it is there to show.</summary>
internal static class DemoVerdict
{
    // What else there is in a mesh, and how an operator tells it from the rest.
    private static readonly (string What, Func<DemoPlan, Edge, bool> IsShown)[] Kinds =
    [
        ("a browser without an identity, in plaintext", (plan, edge) =>
            edge is { Kind: "ingress", Source: "", Tls: "disabled", NoTlsReason: "no_tls_from_remote" } && edge.Destination == plan.SpiffeId("web")),
        ("a probe in plaintext, with the reason", (_, edge) => edge is { Kind: "probe", Source: "", Tls: "disabled", NoTlsReason.Length: > 0 }),
        ("a scrape in mTLS, with the scraper's identity", (plan, edge) =>
            edge is { Kind: "scrape", Tls: "true" } && edge.Source == plan.SpiffeId(DemoPlan.Scraper)),
        ($"a browser's own TLS, opaque, which asks for {DemoPlan.SecureName}", (plan, edge) =>
            edge is { Kind: "ingress", Source: "", Tls: "opaque", Sni: DemoPlan.SecureName } && edge.Destination == plan.SpiffeId("web")),
    ];

    /// <summary>One line for each thing that is missing or wrong; none where all is well.</summary>
    public static IReadOnlyList<string> Problems(DemoPlan plan, IReadOnlyCollection<Edge> edges)
    {
        var problems = new List<string>();
        foreach (var (source, destination) in DemoPlan.ExpectedEdges)
        {
            var (from, to) = (plan.SpiffeId(source), plan.SpiffeId(destination));
            if (!edges.Any(edge => edge.Kind == "application" && edge.Source == from && edge.Destination == to && edge.Connections > 0))
            {
                problems.Add($"No traffic was seen from {source} to {destination}.");
            }
        }

        problems.AddRange(
            from kind in Kinds
            where !edges.Any(edge => edge.Connections > 0 && kind.IsShown(plan, edge))
            select $"Not seen: {kind.What}.");
        problems.AddRange(edges.Where(edge => edge is { Kind: "application", Tls: not "true" })
            .Select(edge => $"Traffic from {edge.Source} to {edge.Destination} is not in mTLS: {edge.Tls} ({edge.NoTlsReason})."));
        return problems;
    }
}
