using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary>Orleans' own dashboard, behind the admin token.</summary>
public class DashboardTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    private string Token => File.ReadAllText(Path.Combine(Mesh.SiloData, "admin-token")).Trim();

    [Theory]
    [InlineData("/orleans/")]
    [InlineData("/orleans/DashboardCounters")]
    [InlineData("/orleans/GrainTypes")]
    public async Task Nobody_sees_it_without_the_token_and_a_browser_is_told_to_ask_for_it(string path)
    {
        using var anonymous = await GetAsync(path, null);
        using var wrong = await GetAsync(path, Basic("0123456789abcdef0123456789abcdef"));
        using var right = await GetAsync(path, Basic(Token));

        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
        Assert.Contains(anonymous.Headers.WwwAuthenticate, challenge => challenge.Scheme == "Basic");
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
    }

    [Fact]
    public async Task The_trace_is_hidden()
    {
        using var trace = await GetAsync("/orleans/Trace", Basic(Token));

        Assert.NotEqual(HttpStatusCode.OK, trace.StatusCode);
    }

    [Fact]
    public async Task The_state_of_no_grain_shows_a_secret()
    {
        var (_, answer) = await TestProxy.EnrollAsync(Mesh, "dashboard");
        using var types = await GetAsync("/orleans/GrainTypes", Basic(Token));
        using var json = JsonDocument.Parse(await types.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var names = json.RootElement.EnumerateArray().Select(type => type.ToString()).Where(type => type.Contains("Mesh.", StringComparison.Ordinal)).ToList();
        Assert.True(names.Count >= 7, $"Only {names.Count} types of ours: {json.RootElement}");

        var seen = new StringBuilder();
        foreach (var (type, key) in from type in names from key in Keys() select (type, key))
        {
            using var state = await GetAsync($"/orleans/GrainState?grainId={Uri.EscapeDataString(key)}&grainType={Uri.EscapeDataString(type)}", Basic(Token));
            Assert.Equal(HttpStatusCode.OK, state.StatusCode);
            seen.AppendLine(await state.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        var text = seen.ToString();
        Assert.True(seen.Length >= names.Count * Keys().Length, text);
        Assert.DoesNotContain(answer.ReenrollmentToken, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, text, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", text, StringComparison.Ordinal);
        // How every private key on P-256 or P-384 begins in PKCS #8, in base64.
        Assert.DoesNotContain("MIGHAgEAMBMGByqGSM49", text, StringComparison.Ordinal);
        Assert.DoesNotContain("MIG2AgEAMBAGByqGSM49", text, StringComparison.Ordinal);
    }

    private string[] Keys() => ["mesh.example", "mesh.example/workload", "mesh.example/control-plane", "shop", Mesh.IdOf("dashboard").ToString()];

    private static AuthenticationHeaderValue Basic(string token) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"operator:{token}")));

    private async Task<HttpResponseMessage> GetAsync(string path, AuthenticationHeaderValue? authorization)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        // Who the silo is, other tests look at.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Mesh.SiloHttps}{path}"));
        request.Headers.Authorization = authorization;
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
