using System.Net;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>More than anybody needs, from somebody who has nothing.</summary>
public class FloodTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private const int AtOnce = 16;
    private const string TooManyResets = "StreamResetLimitExceeded";

    private MeshUnderTest Mesh => running.Mesh;

    [Fact(Explicit = true)]
    public async Task Forged_tokens_are_refused_before_a_grain_is_touched_and_fill_no_log()
    {
        var genuine = await Mesh.TokenAsync("web");
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var forged = new EnrollRequest
        {
            // The right words and the right key's name, signed with another key.
            Token = JoinToken.ParseUnverified(genuine).Sign(key, KeyIdOf(genuine)),
            Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(Mesh.IdOf("web"), key)),
        };
        var (rejected, limited) = (await Refusals.CountAsync(Mesh, "TokenRejected"), await Refusals.CountAsync(Mesh, "EnrollmentsPerSecondPerAddress"));
        var reset = await Refusals.CountAsync(Mesh, TooManyResets);
        var (silo, log) = (Mesh.Silo.Output.Length, Lines(Mesh.ProxyHost.Output));
        Assert.Contains("mesh_svid_refused_total", await Http.GetAsync(Mesh.SiloMetrics.ToString()), StringComparison.Ordinal);
        var signer = Refusals.Sum(await Http.GetAsync(Mesh.SiloMetrics.ToString()), "mesh_svid_refused_total");
        using var attacker = new TestProxy(Mesh.ProxyHostUrl, from: IPAddress.Parse("127.0.4.1"));

        var statuses = new List<StatusCode>();
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(4))
        {
            statuses.AddRange(await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => EnrollAsync(attacker, forged))));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{statuses.Count} attempts in 4 s");
        Assert.All(statuses, status => Assert.True(status is StatusCode.Unauthenticated or StatusCode.ResourceExhausted or StatusCode.Unavailable, status.ToString()));
        // An answer that comes before the message was sent makes the client reset its stream, and the server ends a connection that
        // resets many. It takes the calls along that were under way.
        await Refusals.GrewAsync(Mesh, TooManyResets, reset, by: (statuses.Count(status => status == StatusCode.Unavailable) + AtOnce - 1) / AtOnce);
        Assert.Contains(StatusCode.Unauthenticated, statuses);
        Assert.Contains(StatusCode.ResourceExhausted, statuses);
        // A hundred at once, and a hundred in each second after that, reach as far as the token's signature.
        Assert.InRange(statuses.Count(status => status == StatusCode.Unauthenticated), 100, 700);
        await Refusals.GrewAsync(Mesh, "TokenRejected", rejected, by: 100);
        await Refusals.GrewAsync(Mesh, "EnrollmentsPerSecondPerAddress", limited);
        Assert.InRange(Lines(Mesh.ProxyHost.Output) - log, 0, 2);
        Assert.Equal(silo, Mesh.Silo.Output.Length);
        Assert.Equal(signer, Refusals.Sum(await Http.GetAsync(Mesh.SiloMetrics.ToString()), "mesh_svid_refused_total"));
        // The address is not the proxies', so whoever holds a real token still enrolls.
        (await TestProxy.EnrollAsync(Mesh, "web")).Credential.Dispose();
        await bystander.WasServedAsync();
    }

    private static int Lines(string output) => output.Split('\n').Length;

    private static async Task<StatusCode> EnrollAsync(TestProxy proxy, EnrollRequest request)
    {
        try
        {
            await proxy.Enrollment.EnrollAsync(request);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    private static string KeyIdOf(string token)
    {
        using var json = System.Text.Json.JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[0]));
        return json.RootElement.GetProperty("kid").GetString()!;
    }
}
