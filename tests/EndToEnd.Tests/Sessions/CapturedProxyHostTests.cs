using System.Security.Cryptography;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;
using Orleans.Runtime;

namespace Mesh.EndToEnd.Tests.Sessions;

/// <summary>What somebody can do who has taken over a ProxyHost, and speaks Orleans to the silos with its certificate.</summary>
public class CapturedProxyHostTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Forbidden =>
        ["revoke", "ban", "token", "status", "sign", "active issuer", "policy", "endpoints", "addresses", "traffic", "management"];

    [Fact]
    public async Task It_reaches_the_feeds_and_workloads_that_a_ProxyHost_needs()
    {
        await using var captured = await CapturedProxyHost.StartAsync(Mesh, "captured-0");

        Assert.NotNull(await captured.Grains.GetGrain<ITrustFeed>("mesh.example").PollAsync(0, Cancel));
        Assert.Equal(new ResolvedAddress(null, null), await captured.Grains.GetGrain<IAddressFeed>("mesh.example").ResolveAsync("10.96.0.9:80"));
        Assert.Empty(await captured.Grains.GetGrain<IWorkloadGrain>(Mesh.IdOf("nobody").ToString()).GetInstancesAsync());
    }

    [Theory]
    [MemberData(nameof(Forbidden))]
    public async Task It_reaches_no_grain_beyond_them(string call)
    {
        await using var captured = await CapturedProxyHost.StartAsync(Mesh, $"captured-{call.Replace(' ', '-')}");
        var before = await Mesh.TrustAsync();

        var refusal = await Record.ExceptionAsync(() => CallAsync(captured.Grains, call));

        Assert.Equal(MeshError.NotPermitted, Assert.IsType<MeshException>(refusal).Error);
        Assert.Equal(before, await Mesh.TrustAsync());
    }

    [Theory]
    [InlineData("a token of another workload")]
    [InlineData("a forged token")]
    [InlineData("a renewal with a key of its own")]
    public async Task It_gets_no_certificate_for_a_workload_whose_evidence_it_does_not_have(string evidence)
    {
        await using var captured = await CapturedProxyHost.StartAsync(Mesh, $"captured-{evidence.Replace(' ', '-')}");
        var (bank, _) = await TestProxy.EnrollAsync(Mesh, "bank");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = CertificateRequestBuilder.CreateCsr(Mesh.IdOf("bank"), key);
        var workload = captured.Grains.GetGrain<IWorkloadGrain>(Mesh.IdOf("bank").ToString());
        var issued = (await Mesh.IdentitiesAsync("bank")).Count;

        var refusal = await Assert.ThrowsAsync<MeshException>(async () => _ = evidence switch
        {
            "a token of another workload" => await workload.EnrollAsync(csr, new TokenEvidence(await Mesh.TokenAsync("shop")), "captured", Cancel),
            "a forged token" => await workload.EnrollAsync(
                csr, new TokenEvidence(JoinToken.ParseUnverified(await Mesh.TokenAsync("bank")).Sign(key, "key-1")), "captured", Cancel),
            _ => (await captured.Grains.GetGrain<IRenewalGrain>(IRenewalGrain.KeyOf("mesh.example", 0)).RenewAsync(
                [new SignRequest(Mesh.IdOf("bank"), csr, new RenewalEvidence(bank.Svid.LeafDer, key.SignData(csr, HashAlgorithmName.SHA256)), 0)]))[0].OrThrow(),
        });

        Assert.True(refusal.Error is MeshError.TokenRejected or MeshError.NotPermitted, refusal.Message);
        Assert.Equal(issued, (await Mesh.IdentitiesAsync("bank")).Count);
    }

    private Task CallAsync(IGrainFactory grains, string call)
    {
        var trust = grains.GetGrain<ITrustDomainGrain>("mesh.example");
        return call switch
        {
            "revoke" => trust.RevokeIssuerAsync(KeyHash.OfPublicKey("any"u8), "captured"),
            "ban" => trust.BanAsync(Mesh.IdOf("bank")),
            "token" => trust.CreateJoinTokenAsync(Mesh.IdOf("bank"), TimeSpan.FromHours(1), [Mesh.ProxyHostUrl]),
            "status" => trust.GetStatusAsync(),
            "sign" => grains.GetGrain<ISignerGrain>("mesh.example/workload").SignAsync(
                new SignRequest(Mesh.IdOf("bank"), new byte[10], new TokenEvidence("x"), 0), Cancel),
            "active issuer" => grains.GetGrain<IIssuerGrain>("mesh.example/workload").GetActiveAsync(0),
            "policy" => grains.GetGrain<IPolicyGrain>("shop").SetDefaultAsync("bank", DefaultPolicyMode.AllUnauthenticated),
            "endpoints" => grains.GetGrain<IServiceGrain>("bank.shop:80").SetAsync([new ServiceEndpoint("127.0.0.1:1", null)]),
            "addresses" => grains.GetGrain<IServiceCatalogGrain>("mesh.example").SetAsync("bank.shop:80", new ServiceDefinition([], ["10.96.0.9"])),
            "traffic" => grains.GetGrain<ITrafficGrain>("shop").GetEdgesAsync(),
            "management" => grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero),
            _ => throw new ArgumentOutOfRangeException(nameof(call), call, null),
        };
    }
}
