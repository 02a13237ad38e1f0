using Mesh.Admin.V1;

namespace Mesh.Cli.Demo;

/// <summary>Whether the demo has shown what it is there to show.</summary>
internal static class DemoVerdict
{
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

        problems.AddRange(edges.Where(edge => edge is { Kind: "application", Tls: not "true" })
            .Select(edge => $"Traffic from {edge.Source} to {edge.Destination} is not in mTLS: {edge.Tls} ({edge.NoTlsReason})."));
        return problems;
    }
}
