using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary>What a silo writes down about its operators.</summary>
public class AuditTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    private string LogPath => Path.Combine(Mesh.SiloData, "audit.log");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_command_is_on_record_with_who_what_and_what_came_of_it_and_no_token_is()
    {
        var token = await Mesh.TokenAsync("audited");
        await Mesh.Admin.BanWorkloadAsync(new BanWorkloadRequest { Namespace = "audit", ServiceAccount = "outlaw", Reason = "drill" }, cancellationToken: Cancel);
        await Assert.ThrowsAsync<RpcException>(() => Mesh.SetPolicyAsync("audited", "everyone"));

        var text = await File.ReadAllTextAsync(LogPath, Cancel);
        Assert.DoesNotContain(token, text, StringComparison.Ordinal);
        Assert.DoesNotContain(token.Split('.')[2], text, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LogPath));
        var attempt = Attempt("CreateWorkloadToken", "audited");
        Assert.Equal("unix-socket", attempt.GetProperty("who").GetProperty("by").GetString());
        Assert.Equal(Environment.ProcessId, attempt.GetProperty("who").GetProperty("pid").GetInt32());
        Assert.True(attempt.GetProperty("who").TryGetProperty("uid", out _));
        Assert.Equal("OK", Outcome(attempt).GetProperty("status").GetString());
        var ban = Attempt("BanWorkload", "outlaw");
        Assert.Equal("drill", ban.GetProperty("request").GetProperty("reason").GetString());
        Assert.True(ban.GetProperty("at").GetDateTimeOffset() <= Outcome(ban).GetProperty("at").GetDateTimeOffset());
        var refused = Outcome(Attempt("SetDefaultPolicy", "everyone"));
        Assert.Equal("InvalidArgument", refused.GetProperty("status").GetString());
        Assert.StartsWith("'everyone' is not a default policy.", refused.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_REST_the_caller_is_the_tokens_holder_and_where_it_comes_from_and_reads_are_not_on_record()
    {
        var admin = (await File.ReadAllTextAsync(Path.Combine(Mesh.SiloData, "admin-token"), Cancel)).Trim();
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        using var http = new HttpClient(handler) { BaseAddress = new Uri($"https://{Mesh.SiloHttps}") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", admin);

        using var created = await http.PostAsJsonAsync(
            "/v1/workloads:register", new { workloads = new[] { new { @namespace = "audit", serviceAccount = "over-rest", defaultPolicy = "deny" } } }, Cancel);
        using var shown = await http.GetAsync(new Uri("/v1/workloads/audit/over-rest", UriKind.Relative), Cancel);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (created.StatusCode, shown.StatusCode));
        var who = Attempt("RegisterWorkloads", "over-rest").GetProperty("who");
        Assert.Equal("admin-token", who.GetProperty("by").GetString());
        Assert.StartsWith("127.0.0.1:", who.GetProperty("address").GetString(), StringComparison.Ordinal);
        var text = await File.ReadAllTextAsync(LogPath, Cancel);
        Assert.DoesNotContain(admin, text, StringComparison.Ordinal);
        Assert.DoesNotContain("GetWorkload", text, StringComparison.Ordinal);
    }

    private JsonElement Attempt(string call, string about) => Lines().Last(line =>
        line.GetProperty("phase").GetString() == "attempt" && line.GetProperty("call").GetString() == call
        && line.GetProperty("request").GetRawText().Contains($"\"{about}\"", StringComparison.Ordinal));

    private JsonElement Outcome(JsonElement attempt) => Lines().Single(line =>
        line.GetProperty("phase").GetString() == "outcome" && line.GetProperty("id").GetString() == attempt.GetProperty("id").GetString());

    private List<JsonElement> Lines() => [.. File.ReadAllLines(LogPath).Select(line => JsonDocument.Parse(line).RootElement)];
}
