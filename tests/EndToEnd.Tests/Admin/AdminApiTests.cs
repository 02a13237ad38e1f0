using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Admin;

public class AdminApiTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    private string Token => File.ReadAllText(Path.Combine(Mesh.SiloData, "admin-token")).Trim();

    [Theory]
    [InlineData("/v1/version")]
    [InlineData("/v1/trust-domain")]
    [InlineData("/v1/bundle")]
    [InlineData("/v1/services")]
    [InlineData("/v1/identities")]
    [InlineData("/v1/workloads")]
    [InlineData("/v1/edges")]
    public async Task Rest_over_tls_answers_with_the_token_and_with_401_otherwise(string path)
    {
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(path, Token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(path, null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(path, "0123456789abcdef0123456789abcdef")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(path, Token[..^1])).Status);
    }

    [Fact]
    public async Task Rest_speaks_the_protos_own_names()
    {
        using var json = JsonDocument.Parse((await GetAsync("/v1/version", Token)).Body);

        Assert.Equal("mesh.example", json.RootElement.GetProperty("trustDomain").GetString());
    }

    [Fact]
    public async Task Grpc_over_tls_answers_with_the_token_and_with_unauthenticated_otherwise()
    {
        using var channel = GrpcChannel.ForAddress($"https://{Mesh.SiloHttps}", new GrpcChannelOptions { HttpHandler = Handler(), DisposeHttpClient = true });
        var client = new Mesh.Admin.V1.Admin.AdminClient(channel);

        var refusal = await Assert.ThrowsAsync<RpcException>(() => VersionAsync(client, []));
        var version = await VersionAsync(client, new Metadata { { "authorization", $"Bearer {Token}" } });

        Assert.Equal(StatusCode.Unauthenticated, refusal.StatusCode);
        Assert.Equal("mesh.example", version.TrustDomain);
    }

    [Fact]
    public void The_socket_and_the_token_are_the_owners_alone()
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

        Assert.Equal(owner, File.GetUnixFileMode(Mesh.SiloData));
        Assert.Equal(owner, File.GetUnixFileMode(Mesh.AdminSocket));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Mesh.SiloData, "admin-token")));
    }

    [Fact]
    public async Task The_plaintext_port_serves_probes_and_no_administration()
    {
        var probes = Mesh.SiloMetrics.GetLeftPart(UriPartial.Authority);
        using var http = new HttpClient();

        Assert.Equal("ready\n", await http.GetStringAsync(new Uri($"{probes}/ready"), Cancel));
        Assert.Equal("live\n", await http.GetStringAsync(new Uri($"{probes}/live"), Cancel));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{probes}/v1/version"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        using var response = await http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task The_administration_port_serves_no_metrics_whatever_host_a_request_names()
    {
        using var http = new HttpClient(Handler());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Mesh.SiloHttps}/metrics"));
        request.Headers.Host = Mesh.SiloMetrics.Authority;
        using var response = await http.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task What_is_wrong_with_a_request_is_said()
    {
        var policy = await Assert.ThrowsAsync<RpcException>(() => Mesh.SetPolicyAsync("web", "everyone"));
        var service = await Assert.ThrowsAsync<RpcException>(() => Mesh.SetServiceAsync("web", "127.0.0.1:80", null));
        var endpoint = await Assert.ThrowsAsync<RpcException>(() => Mesh.SetServiceAsync("web.shop:80", "here", null));

        Assert.Equal(
            (StatusCode.InvalidArgument, "'everyone' is not a default policy. Write one of: deny, cluster-authenticated, all-authenticated, all-unauthenticated."),
            (policy.StatusCode, policy.Status.Detail));
        Assert.Equal(StatusCode.InvalidArgument, service.StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, endpoint.StatusCode);
        Assert.DoesNotContain(Mesh.Admin.ListServices(new ListServicesRequest(), cancellationToken: Cancel).Services, known => known.Name == "web");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<GetVersionResponse> VersionAsync(Mesh.Admin.V1.Admin.AdminClient client, Metadata headers) =>
        client.GetVersionAsync(new GetVersionRequest(), headers).ResponseAsync;

    private async Task<(HttpStatusCode Status, string Body)> GetAsync(string path, string? token)
    {
        using var http = new HttpClient(Handler());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Mesh.SiloHttps}{path}"));
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    // Who the silo is, other tests look at.
    private static SocketsHttpHandler Handler()
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        return handler;
    }
}
