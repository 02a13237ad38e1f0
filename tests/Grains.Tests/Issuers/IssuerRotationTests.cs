using Mesh.Grains.Issuers;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.Issuers;

/// <summary>Issuers change by themselves, as reminders come.</summary>
public class IssuerRotationTests
{
    private static readonly string[] Purposes = ["workload", "control-plane"];

    [Fact]
    public async Task Through_the_life_of_three_issuers_a_workload_always_holds_a_good_certificate()
    {
        await using var mesh = await MeshCluster.StartAsync(configure: services =>
        {
            services.Configure<IssuerOptions>(issuer => (issuer.Lifetime, issuer.ReconcilePeriod) = (TimeSpan.FromHours(1), TimeSpan.FromMinutes(1)));
            services.Configure<LeafOptions>(leaf => (leaf.Lifetime, leaf.ControlPlaneLifetime) = (TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(4)));
        });
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var (seen, sequence, verifier) = (new HashSet<KeyHash>(), 0L, new SvidVerifier(mesh.Clock));

        for (var minute = 0; minute < 150; minute += 2)
        {
            mesh.Clock.Advance(TimeSpan.FromMinutes(2));
            var bundle = await mesh.BundleAsync();
            Assert.True(verifier.Verify(web.Credential!.Svid.Chain, bundle).IsValid, $"minute {minute}");
            Assert.True(bundle.Sequence >= sequence);
            sequence = bundle.Sequence;
            var renewed = await web.RenewAsync();
            var issuer = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == "workload" && issuer.Stage == "active");
            seen.Add(issuer.KeyHash);
            Assert.True(renewed.NotAfter <= issuer.NotAfter);
            await Eventually.TrueAsync(async () => !await IsDueAsync(mesh), TestContext.Current.CancellationToken);
        }

        Assert.True(seen.Count >= 4, $"{seen.Count} issuers in 150 minutes.");
        // Those that are gone have left; at most one is prepared and one retiring beside the one that signs.
        Assert.All(Purposes, purpose => Assert.InRange(mesh.Trust.GetStatusAsync().Result.Issuers.Count(issuer => issuer.Purpose == purpose), 1, 3));
    }

    [Fact]
    public async Task A_forced_rotation_of_the_workload_issuer_takes_effect_at_once()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var old = await web.EnrollAsync();

        var bundle = SignedBundle.Parse((await mesh.Trust.RotateIssuerAsync("workload")).SignedBundle).Bundle;

        var renewed = await web.RenewAsync(CsrFor(web), web.Credential!, bundle.Epoch);
        Assert.NotEqual(old.Chain[1], renewed.Chain[1]);
        Assert.All([old, renewed], issued => Assert.True(new SvidVerifier(mesh.Clock).Verify(issued.Chain, bundle).IsValid));
    }

    [Fact]
    public async Task A_forced_rotation_of_the_control_plane_issuer_is_published_before_it_signs()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var before = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == "control-plane");

        var bundle = SignedBundle.Parse((await mesh.Trust.RotateIssuerAsync("control-plane")).SignedBundle).Bundle;

        Assert.Equal(2, bundle.ControlPlaneIssuers.Count);
        Assert.Equal("active", (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.KeyHash == before.KeyHash).Stage);
        // Asked again, it is the same rotation.
        Assert.Equal(bundle.Sequence, (await mesh.Trust.RotateIssuerAsync("control-plane")).Sequence);
        mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        await Eventually.TrueAsync(
            async () => (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.KeyHash == before.KeyHash).Stage == "retiring", TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_timer_that_comes_a_moment_early_does_not_leave_the_successor_to_the_next_reminder()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var before = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == "control-plane");
        await mesh.Trust.RotateIssuerAsync("control-plane");
        // Timers do not follow when a clock is set back.
        mesh.Clock.AdjustTime(mesh.Clock.GetUtcNow() - TimeSpan.FromSeconds(1));

        mesh.Clock.Advance(TimeSpan.FromMinutes(1));

        // 150 s in all at the most: reminders come every five minutes.
        await Eventually.TrueAsync(
            async () =>
            {
                mesh.Clock.Advance(TimeSpan.FromMilliseconds(50));
                return (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.KeyHash == before.KeyHash).Stage == "retiring";
            },
            TestContext.Current.CancellationToken);
    }

    private static async Task<bool> IsDueAsync(MeshCluster mesh)
    {
        var (status, now) = (await mesh.Trust.GetStatusAsync(), mesh.Clock.GetUtcNow());
        return Purposes.Any(purpose =>
        {
            var active = status.Issuers.Single(issuer => issuer.Purpose == purpose && issuer.Stage == "active");
            return now > active.NotBefore + ((active.NotAfter - active.NotBefore) * 0.9);
        });
    }

    private static byte[] CsrFor(TestWorkload workload)
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(workload.Id, key);
    }
}
