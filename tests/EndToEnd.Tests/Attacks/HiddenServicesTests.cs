using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>What is not for proxies is not there for them.</summary>
public class HiddenServicesTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    [Theory(Explicit = true)]
    [InlineData("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")]
    [InlineData("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")]
    [InlineData("/mesh.admin.v1.Admin/ListIdentities")]
    [InlineData("/mesh.control.v1.ControlPlaneEnrollment/Enroll")]
    [InlineData("/mesh.proxy.v1.ProxySession/Shutdown")]
    public async Task A_call_to(string path)
    {
        using var credential = (await TestProxy.EnrollAsync(Mesh, "curious")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);
        var before = await Refusals.CountAsync(Mesh, "UnknownCall");

        var status = await RawCalls.StatusAsync(proxy, path, []);

        Assert.Equal(StatusCode.Unimplemented, status.StatusCode);
        await Refusals.GrewAsync(Mesh, "UnknownCall", before);
    }

    [Fact(Explicit = true)]
    public async Task Metrics_are_served_at_the_probes_port_and_not_to_whoever_names_it()
    {
        var before = await Refusals.CountAsync(Mesh, "UnknownCall");
        using var handler = new SocketsHttpHandler
        {
            SslOptions = Spiffe.SvidTls.Client(
                null, "mesh", _ => new Spiffe.SvidVerification(Spiffe.SvidRejection.None, null, "", DateTimeOffset.MaxValue),
                [System.Net.Security.SslApplicationProtocol.Http2]),
            UseProxy = false,
        };
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Mesh.ProxyHostUrl, "/metrics"))
        {
            Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Headers = { Host = Mesh.ProxyHostAdmin },
        };

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.DoesNotContain("mesh_proxyhost", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await Refusals.GrewAsync(Mesh, "UnknownCall", before);
    }
}
