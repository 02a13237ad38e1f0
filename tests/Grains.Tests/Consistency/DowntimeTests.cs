using Mesh.Grains.Issuers;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>Every silo is down until every certificate has ended, the issuers' too in the longest case.</summary>
public class DowntimeTests
{
    [Theory]
    [InlineData(1.5)]
    [InlineData(7.9)]
    [InlineData(40)]
    public async Task After_days_without_a_silo_every_workload_comes_back_with_the_key_that_it_holds(double days)
    {
        var stores = new MeshStores();
        SvidCredential web;
        TrustBundle held;
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            var workload = new TestWorkload(mesh, "web");
            await workload.EnrollAsync();
            web = workload.Credential!;
            held = await mesh.BundleAsync();
        }

        stores.Clock.Advance(TimeSpan.FromDays(days));
        Assert.True(web.Svid.NotAfter < stores.Clock.GetUtcNow());
        // How long an outage may be is for the operator to say.
        await using var restarted = await MeshCluster.StartAsync(
            stores, configure: services => services.Configure<LeafOptions>(leaf => leaf.RecoveryWindow = TimeSpan.FromDays(Math.Ceiling(days))));

        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var renewed = await new TestWorkload(restarted, "web").RenewAsync(CertificateRequestBuilder.CreateCsr(web.Svid.Id, key), web);

        Assert.Equal(web.Svid.InstanceId, renewed.InstanceId);
        var bundle = SignedBundle.Parse(renewed.SignedBundle);
        bundle.VerifySuccessor(held, stores.Clock.GetUtcNow());
        Assert.True(new SvidVerifier(stores.Clock).Verify(renewed.Chain, bundle.Bundle, web.Svid.Id).IsValid);
    }

    [Fact]
    public async Task A_successor_that_was_prepared_and_ended_before_it_could_sign_does_not_keep_a_silo_from_starting()
    {
        var stores = new MeshStores();
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            await mesh.Trust.RotateIssuerAsync("control-plane");
        }

        stores.Clock.Advance(TimeSpan.FromDays(40));
        await using var restarted = await MeshCluster.StartAsync(stores);

        var issuers = (await restarted.Trust.GetStatusAsync()).Issuers;
        Assert.Equal(2, issuers.Count(issuer => issuer.Stage == "active" && issuer.NotAfter > stores.Clock.GetUtcNow()));
        await new TestWorkload(restarted, "web").EnrollAsync();
    }
}
