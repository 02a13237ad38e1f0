using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Mesh.Tests.Processes;
using AdminEdge = Mesh.Admin.V1.Edge;
using Edge = Mesh.Proxy.V1.Edge;
using WatchedPolicy = Mesh.Proxy.V1.DefaultPolicy;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>A workload with a certificate of its own puts another's name wherever a message has room for one.</summary>
public class AnotherNameTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task In_the_request_of_a_renewal_it_is_refused_and_nothing_is_issued()
    {
        using var mallory = (await TestProxy.EnrollAsync(Mesh, "mallory-csr")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, mallory);
        var before = await Refusals.CountAsync(Mesh, "InvalidRequest");

        var refusal = await Assert.ThrowsAsync<RpcException>(() => proxy.Session.CertifyAsync(Renewal(mallory, Mesh.IdOf("victim-csr")), cancellationToken: Cancel).ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Empty(await Mesh.IdentitiesAsync("victim-csr"));
        await Refusals.GrewAsync(Mesh, "InvalidRequest", before);
        // The same request in its own name is what every proxy sends.
        Assert.NotEmpty((await proxy.Session.CertifyAsync(Renewal(mallory, Mesh.IdOf("mallory-csr")), cancellationToken: Cancel)).Chain);
    }

    [Theory(Explicit = true)]
    [InlineData("another's leaf, its own key")]
    [InlineData("a leaf that it made itself")]
    public async Task In_a_recovery_it_is_refused_and_nothing_is_issued(string how)
    {
        var name = $"victim-{how.Length}";
        using var mallory = (await TestProxy.EnrollAsync(Mesh, "mallory-recover")).Credential;
        using var victim = (await TestProxy.EnrollAsync(Mesh, name)).Credential;
        using var forged = Forged(Mesh.IdOf(name));
        var shown = how.StartsWith("another", StringComparison.Ordinal) ? victim : forged;
        var certify = Renewal(shown == forged ? forged : mallory, Mesh.IdOf(name));
        var before = await Refusals.CountAsync(Mesh, "NotPermitted");
        using var proxy = new TestProxy(Mesh.ProxyHostUrl);

        var refusal = await Assert.ThrowsAsync<RpcException>(() => proxy.Enrollment.RecoverAsync(
            new RecoverRequest { Certify = certify, Leaf = ByteString.CopyFrom(shown.Svid.LeafDer.Span) }, cancellationToken: Cancel).ResponseAsync);

        Assert.Equal(StatusCode.PermissionDenied, refusal.StatusCode);
        Assert.Single(await Mesh.IdentitiesAsync(name));
        await Refusals.GrewAsync(Mesh, "NotPermitted", before);
    }

    [Fact(Explicit = true)]
    public async Task In_a_report_it_is_no_more_than_the_other_end_of_the_liars_own_edges()
    {
        var (liar, victim, friend) = (Mesh.IdOf("mallory-report"), Mesh.IdOf("victim-report"), Mesh.IdOf("friend-report"));
        using var mallory = (await TestProxy.EnrollAsync(Mesh, "mallory-report")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, mallory);
        var report = new ReportRequest();
        foreach (var (direction, peer) in new[] { (Direction.Inbound, victim), (Direction.Outbound, victim), (Direction.Inbound, friend), (Direction.Outbound, friend) })
        {
            report.Edges.Add(new Edge
            {
                Kind = EdgeKind.Application, Direction = direction, PeerId = peer.ToString(), Port = 80, Tls = "true", Protocol = "TLSv1.3", ConnectionsOpened = 1,
            });
        }

        await proxy.Session.ReportAsync(report, cancellationToken: Cancel);

        var edges = await Eventually.UntilAsync(EdgesAsync, seen => seen.Any(edge => edge.Source == victim.ToString()), "the report shows");
        Assert.All(edges.Where(edge => edge.Source == victim.ToString()), edge => Assert.Equal(liar.ToString(), edge.Destination));
        Assert.All(edges.Where(edge => edge.Destination == victim.ToString()), edge => Assert.Equal(liar.ToString(), edge.Source));
        Assert.DoesNotContain(edges, edge => edge.Source != liar.ToString() && edge.Destination != liar.ToString());
    }

    [Fact(Explicit = true)]
    public async Task Whatever_is_watched_the_policy_is_the_callers_own()
    {
        await Mesh.SetPolicyAsync("victim-watch", "all-unauthenticated");
        await Mesh.SetPolicyAsync("mallory-watch", "deny");
        await Mesh.SetServiceAsync("victim-watch.shop:80", "127.0.0.1:4143", Mesh.IdOf("victim-watch"));
        using var mallory = (await TestProxy.EnrollAsync(Mesh, "mallory-watch")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, mallory);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var watch = proxy.Session.Watch(
            new WatchRequest { Services = { new ServiceVersion { Name = "victim-watch.shop:80" } } }, cancellationToken: limit.Token);

        WorkloadPolicy? policy = null;
        while (policy is null && await watch.ResponseStream.MoveNext(limit.Token))
        {
            policy = watch.ResponseStream.Current.Policy;
        }

        Assert.Equal(WatchedPolicy.Deny, policy!.DefaultPolicy);
    }

    private async Task<IReadOnlyList<AdminEdge>> EdgesAsync() => [.. (await Mesh.Admin.ListEdgesAsync(new ListEdgesRequest())).Edges];

    private static CertifyRequest Renewal(SvidCredential signer, SpiffeId name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = CertificateRequestBuilder.CreateCsr(name, key);
        return new CertifyRequest { Csr = ByteString.CopyFrom(csr), Proof = ByteString.CopyFrom(RenewalProof.Create(signer, csr)) };
    }

    private static SvidCredential Forged(SpiffeId id) => WrongCertificates.Signed(new TestTrustDomain(id.TrustDomain.Name), id);
}
