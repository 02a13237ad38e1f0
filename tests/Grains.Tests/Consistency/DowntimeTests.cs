using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>Every silo is down until every certificate has ended, but for authorities.</summary>
public class DowntimeTests
{
    [Theory]
    [InlineData(1.5)]
    [InlineData(7.9)]
    public async Task After_days_without_a_silo_every_workload_comes_back_with_the_key_that_it_holds(double days)
    {
        var stores = new MeshStores();
        SvidCredential web;
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            var workload = new TestWorkload(mesh, "web");
            await workload.EnrollAsync();
            web = workload.Credential!;
        }

        stores.Clock.Advance(TimeSpan.FromDays(days));
        Assert.True(web.Svid.NotAfter < stores.Clock.GetUtcNow());
        await using var restarted = await MeshCluster.StartAsync(stores);

        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var renewed = await new TestWorkload(restarted, "web").RenewAsync(CertificateRequestBuilder.CreateCsr(web.Svid.Id, key), web);

        Assert.Equal(web.Svid.InstanceId, renewed.InstanceId);
        Assert.True(new SvidVerifier(stores.Clock).Verify(renewed.Chain, await restarted.BundleAsync(), web.Svid.Id).IsValid);
    }
}
