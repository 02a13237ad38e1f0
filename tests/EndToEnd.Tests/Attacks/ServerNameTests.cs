using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Tests.Processes;
using Edge = Mesh.Proxy.V1.Edge;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>The name that a stranger's TLS asks for comes to the control plane through a proxy's report.</summary>
public class ServerNameTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task Is_shown_as_an_edge_of_its_own_where_it_is_a_DNS_name_and_refused_where_it_is_not()
    {
        using var credential = (await TestProxy.EnrollAsync(Mesh, "opaque")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);

        await proxy.Session.ReportAsync(Report(Opaque("a.example.com"), Opaque("b.example.com"), Opaque("")), cancellationToken: Cancel);

        await Eventually.UntilAsync(
            async () => (await Mesh.Admin.ListEdgesAsync(new ListEdgesRequest { Namespace = MeshUnderTest.Namespace }, cancellationToken: Cancel)).Edges
                .Where(edge => edge.Destination == Mesh.IdOf("opaque").ToString()).Select(edge => edge.Sni).Order().ToList(),
            names => names.SequenceEqual(["", "a.example.com", "b.example.com"]), "every name is an edge");
        foreach (var edge in new[] { Opaque("A.example.com"), Opaque("a\n"), Opaque("ä.example"), Opaque(new string('a', 254)), new Edge(Opaque("a.example")) { Tls = "true" } })
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => proxy.Session.ReportAsync(Report(edge), cancellationToken: Cancel).ResponseAsync);
            Assert.Equal((StatusCode.InvalidArgument, true), (refusal.StatusCode, refusal.Status.Detail.StartsWith("edges[0].sni ", StringComparison.Ordinal)));
        }
    }

    private static Edge Opaque(string name) => new()
    {
        Kind = EdgeKind.Ingress, Direction = Direction.Inbound, Port = 443, Tls = "opaque", NoTlsReason = "no_tls_from_remote", Protocol = "TLS", Sni = name, ConnectionsOpened = 1,
    };

    private static ReportRequest Report(params Edge[] edges)
    {
        var report = new ReportRequest();
        report.Edges.AddRange(edges);
        return report;
    }
}
