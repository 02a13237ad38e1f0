using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Enrollment;

public class EnrollmentRefusalTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    public static TheoryData<string> Wrong => [.. WrongRequests.Names];

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_request_is_refused_by_name_and_nothing_is_issued(string what)
    {
        var workload = $"csr-{WrongRequests.Names.ToList().IndexOf(what)}";
        var token = await Mesh.TokenAsync(workload);

        var refusal = await EnrollAsync(token, WrongRequests.Create(what, Mesh.IdOf(workload)));

        Assert.True(refusal.StatusCode is StatusCode.InvalidArgument or StatusCode.ResourceExhausted, refusal.Status.ToString());
        Assert.NotEmpty(refusal.Status.Detail);
        Assert.DoesNotContain("Exception", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(await Mesh.IdentitiesAsync(workload));
        // The token is still good for whoever it was made for.
        Assert.NotEmpty((await EnrollOrFailAsync(token, workload)).Chain);
    }

    [Theory]
    [InlineData("signed with another key")]
    [InlineData("with another subject")]
    [InlineData("cut short")]
    [InlineData("alg none")]
    [InlineData("empty")]
    [InlineData("16 KB long")]
    public async Task A_forged_token_is_refused_by_name_and_nothing_is_issued(string how)
    {
        var workload = $"token-{how.Replace(' ', '-')}";
        var token = Forge(await Mesh.TokenAsync(workload), how);
        var before = await RefusedTokensAsync();

        var refusal = await EnrollAsync(token, Csr(workload));

        Assert.Equal(StatusCode.Unauthenticated, refusal.StatusCode);
        Assert.NotEmpty(refusal.Status.Detail);
        Assert.Empty(await Mesh.IdentitiesAsync(workload));
        await Eventually.UntilAsync(RefusedTokensAsync, now => now > before, "the refusal is counted");
    }

    [Fact]
    public async Task A_token_that_was_used_is_refused_to_everybody_else()
    {
        var token = await Mesh.TokenAsync("reused");
        await EnrollOrFailAsync(token, "reused");

        var refusal = await EnrollAsync(token, Csr("reused"));

        Assert.Equal(StatusCode.Unauthenticated, refusal.StatusCode);
        Assert.Contains("has been used", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Single(await Mesh.IdentitiesAsync("reused"));
    }

    [Fact]
    public async Task A_token_made_for_a_proxyhost_enrolls_no_proxy()
    {
        var token = await Mesh.ProxyHostTokenAsync("proxyhost-9");

        var refusal = await EnrollAsync(token, Csr("web"));

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Contains("is not a workload", refusal.Status.Detail, StringComparison.Ordinal);
    }

    private async Task<double> RefusedTokensAsync() =>
        (await Scrape.ReadAsync(Mesh.ProxyHostMetrics)).Value("mesh_proxyhost_refusals_total", "reason", "TokenRejected");

    private byte[] Csr(string workload)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(Mesh.IdOf(workload), key);
    }

    private async Task<RpcException> EnrollAsync(string token, byte[] csr)
    {
        using var proxy = new TestProxy(Mesh.ProxyHostUrl);
        return await Assert.ThrowsAsync<RpcException>(
            () => proxy.Enrollment.EnrollAsync(new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(csr) }).ResponseAsync);
    }

    private async Task<CertifyResponse> EnrollOrFailAsync(string token, string workload)
    {
        using var proxy = new TestProxy(Mesh.ProxyHostUrl);
        return await proxy.Enrollment.EnrollAsync(new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(Csr(workload)) });
    }

    private string Forge(string token, string how)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var parts = token.Split('.');
        return how switch
        {
            "signed with another key" => JoinToken.ParseUnverified(token).Sign(key, KeyIdOf(parts[0])),
            "with another subject" => (JoinToken.ParseUnverified(token) with { Subject = Mesh.IdOf("admin") }).Sign(key, KeyIdOf(parts[0])),
            "cut short" => token[..^2],
            "alg none" => $"{Encode("""{"alg":"none","typ":"mesh-join+jwt"}""")}.{parts[1]}.",
            "empty" => "",
            "16 KB long" => token + new string('A', 16 * 1024),
            _ => throw new ArgumentOutOfRangeException(nameof(how), how, null),
        };
    }

    // The forger names the very key that the silo signs with.
    private static string KeyIdOf(string header)
    {
        using var json = System.Text.Json.JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(header));
        return json.RootElement.GetProperty("kid").GetString()!;
    }

    private static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(text));
}
