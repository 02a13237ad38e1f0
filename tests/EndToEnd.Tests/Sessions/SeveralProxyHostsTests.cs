using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Sessions;

public class SeveralProxyHostsTests
{
    [Fact]
    public async Task A_token_redeemed_at_two_at_once_yields_one_certificate_and_proxies_move_when_theirs_dies()
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        var (_, second) = await mesh.AddProxyHostAsync("proxyhost-1");

        var token = await mesh.TokenAsync("twice");
        var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => RedeemAsync(mesh, i % 2 == 0 ? mesh.ProxyHostUrl : second, token)));
        Assert.Single(won, chain => chain is not null);
        Assert.Single(await mesh.IdentitiesAsync("twice"));

        var proxy = await mesh.LaunchProxyAsync("mover", null, [], [], isNative: false, second);
        await Http.UntilReadyAsync(proxy.Admin);
        await mesh.ProxyHost.KillAsync();
        await mesh.SetPolicyAsync("mover", "deny");
        await proxy.Process.SaysAsync("Policy Deny");
    }

    private static async Task<CertifyResponse?> RedeemAsync(MeshUnderTest mesh, Uri proxyHost, string token)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var proxy = new TestProxy(proxyHost);
        try
        {
            return await proxy.Enrollment.EnrollAsync(
                new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(mesh.IdOf("twice"), key)) });
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unauthenticated)
        {
            return null;
        }
    }
}
