using System.Diagnostics;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>What a ban does to what is open, to what is asked for, and after it was lifted.</summary>
public class BanTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData("client")]
    [InlineData("server")]
    public async Task Open_connections_of_a_banned_peer_end_within_two_seconds_new_ones_are_refused_and_a_new_token_brings_it_back(string banned)
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        await using var pair = await MeshedPair.StartAsync(mesh, "ban");
        var outlaw = banned == "client" ? pair.Client : pair.Server;
        using var open = await PlainClient.ConnectAsync(pair.Entrance);
        await open.SendAsync("before");
        Assert.Equal("before", await open.ReceiveAsync(6));
        var clock = Stopwatch.StartNew();

        await BanAsync(mesh, outlaw.Id);

        await Assert.ThrowsAnyAsync<Exception>(() => open.ReceiveAsync(1));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Soon);
        Assert.Null(await PlainClient.TryEchoAsync(pair.Entrance, "during"));

        await UnbanAsync(mesh, outlaw.Id);

        // The key and the certificate from before stay void, and so does the re-enrollment token.
        Assert.Null(await PlainClient.TryEchoAsync(pair.Entrance, "lifted"));
        await outlaw.Process.KillAsync();
        await File.WriteAllTextAsync(
            Path.Combine(mesh.Folder, $"{outlaw.Id.ServiceAccount}.token"), await mesh.TokenAsync(outlaw.Id.ServiceAccount!), TestContext.Current.CancellationToken);
        mesh.Restarted(outlaw.Start());
        await Http.UntilReadyAsync(outlaw.Admin);
        await Eventually.UntilAsync(() => PlainClient.TryEchoAsync(pair.Entrance, "after"), answer => answer == "after", "traffic goes on");
    }

    [Fact]
    public async Task A_banned_proxys_session_ends_within_two_seconds_and_neither_its_key_nor_a_token_from_before_is_good_after_the_ban()
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        var id = mesh.IdOf("outlaw");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (credential, answer) = await TestProxy.EnrollAsync(mesh, "outlaw", key);
        var (unused, kept) = (await mesh.TokenAsync("outlaw"), await mesh.TokenAsync("outlaw"));
        await using var session = await RawHttp2.ConnectAsync(mesh.ProxyHostUrl, credential);
        await session.SendAsync(session.Call(1, RawCalls.Watch), RawHttp2.Message(1, []));
        Assert.Null(await session.EndedAsync(Soon));

        await BanAsync(mesh, id);

        Assert.InRange(await session.EndedAsync(TimeSpan.FromSeconds(10)) ?? TimeSpan.MaxValue, TimeSpan.Zero, Soon);
        await Refusals.GrewAsync(mesh, "Banned", 0);
        Assert.Equal(StatusCode.PermissionDenied, await EnrollAsync(mesh, id, unused));
        Assert.Equal(StatusCode.PermissionDenied, await RecoverAsync(mesh, credential));
        var noToken = await Assert.ThrowsAsync<RpcException>(() => mesh.TokenAsync("outlaw"));
        Assert.Contains("Lift the ban first", noToken.Status.Detail, StringComparison.Ordinal);

        await UnbanAsync(mesh, id);

        Assert.Equal(StatusCode.PermissionDenied, await EnrollAsync(mesh, id, kept));
        Assert.Equal(StatusCode.PermissionDenied, await EnrollAsync(mesh, id, answer.ReenrollmentToken));
        Assert.Equal(StatusCode.PermissionDenied, await RecoverAsync(mesh, credential));
        Assert.Single(await mesh.IdentitiesAsync("outlaw"));
        Assert.Equal(StatusCode.OK, await EnrollAsync(mesh, id, await mesh.TokenAsync("outlaw")));
        credential.Dispose();
    }

    private static async Task BanAsync(MeshUnderTest mesh, SpiffeId id) => await mesh.Admin.BanWorkloadAsync(
        new BanWorkloadRequest { Namespace = id.Namespace, ServiceAccount = id.ServiceAccount, Reason = "drill" });

    private static async Task UnbanAsync(MeshUnderTest mesh, SpiffeId id) => await mesh.Admin.UnbanWorkloadAsync(
        new UnbanWorkloadRequest { Namespace = id.Namespace, ServiceAccount = id.ServiceAccount });

    private static async Task<StatusCode> EnrollAsync(MeshUnderTest mesh, SpiffeId id, string token)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var proxy = new TestProxy(mesh.ProxyHostUrl);
        return await StatusOf(proxy.Enrollment.EnrollAsync(new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(id, key)) }));
    }

    private static async Task<StatusCode> RecoverAsync(MeshUnderTest mesh, SvidCredential credential)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var proxy = new TestProxy(mesh.ProxyHostUrl);
        var csr = CertificateRequestBuilder.CreateCsr(credential.Svid.Id, key);
        return await StatusOf(proxy.Enrollment.RecoverAsync(new RecoverRequest
        {
            Certify = new CertifyRequest { Csr = ByteString.CopyFrom(csr), Proof = ByteString.CopyFrom(RenewalProof.Create(credential, csr)) },
            Leaf = ByteString.CopyFrom(credential.Svid.LeafDer.Span),
        }));
    }

    private static async Task<StatusCode> StatusOf(AsyncUnaryCall<CertifyResponse> call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException refusal)
        {
            return refusal.StatusCode;
        }
    }
}
