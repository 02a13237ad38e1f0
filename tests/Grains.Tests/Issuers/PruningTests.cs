using Mesh.Grains.Issuers;
using Mesh.Grains.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.Issuers;

/// <summary>The record of what was issued does not grow for ever.</summary>
public class PruningTests
{
    [Fact]
    public async Task A_certificate_is_on_record_for_as_long_as_its_key_may_renew_and_no_longer()
    {
        await using var mesh = await MeshCluster.StartAsync(configure: services => services.Configure<LeafOptions>(leaf =>
            (leaf.Lifetime, leaf.RecoveryWindow) = (TimeSpan.FromHours(1), TimeSpan.FromHours(6))));
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();

        mesh.Clock.Advance(TimeSpan.FromHours(6.5));
        await web.RenewAsync();
        Assert.Equal(2, mesh.Issuance.Records.Count);

        // Beyond the first certificate's window, within the second's.
        await PastAsync(mesh, TimeSpan.FromHours(2), () => mesh.Issuance.Records.Count == 1 && mesh.Issuance.Redemptions == 0);
        await web.RenewAsync();
        await PastAsync(mesh, TimeSpan.FromHours(12), () => mesh.Issuance.Records.Count == 0);
    }

    private static Task PastAsync(MeshCluster mesh, TimeSpan time, Func<bool> condition)
    {
        mesh.Clock.Advance(time);
        return Eventually.TrueAsync(
            () =>
            {
                mesh.Clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(condition());
            },
            TestContext.Current.CancellationToken);
    }
}
