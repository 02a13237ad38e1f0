using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Tests.Support;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>What proxies hold by version: after a restore, no version that they may hold is given to another content.</summary>
public class VersionTests
{
    [Fact]
    public async Task A_policy_and_a_service_that_are_set_after_a_restore_have_versions_that_nobody_holds()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var backup = mesh.Stores.Storage.Copy();
        var (policy, service) = await SetAsync(mesh, DefaultPolicyMode.Deny, "10.0.0.1:80");
        Assert.Equal(policy + 1, (await Policy(mesh).SetDefaultAsync("voting", DefaultPolicyMode.Deny)).Version);

        mesh.Clock.Advance(TimeSpan.FromSeconds(5));
        await using var restored = await MeshCluster.StartAsync(mesh.Stores.With(backup), createTrustDomain: false);

        var (policyAfter, serviceAfter) = await SetAsync(restored, DefaultPolicyMode.AllAuthenticated, "10.0.0.2:80");
        Assert.True(policyAfter > policy + 1);
        Assert.True(serviceAfter > service);
    }

    private static async Task<(long Policy, long Service)> SetAsync(MeshCluster mesh, DefaultPolicyMode mode, string address) => (
        (await Policy(mesh).SetDefaultAsync("web", mode)).Version,
        (await mesh.Grains.GetGrain<IServiceGrain>("web.shop:80").SetAsync([new ServiceEndpoint(address, null)])).Version);

    private static IPolicyGrain Policy(MeshCluster mesh) => mesh.Grains.GetGrain<IPolicyGrain>("shop");
}
