using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>Issuers change, and are thrown out, while the anchor's key is elsewhere.</summary>
public class OfflineIssuerTests
{
    [Fact]
    public async Task A_successor_is_asked_for_at_once_stands_by_when_certified_and_signs_when_its_time_has_come()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var first = (await offline.IssuerAsync("workload", "active"))!;
        offline.Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.All(await offline.AwaitedAsync("workload", "control-plane"), request => Assert.False(request.IsOverdue));

        await offline.CertifyAsync();

        Assert.Empty(await offline.RequestsAsync());
        var spare = (await offline.IssuerAsync("workload", "prepared"))!;
        // It stands by for as long as the first has not lived 60 % of its 90 days.
        await AdvanceAsync(offline, TimeSpan.FromDays(53));
        Assert.Equal(first.KeyHash, (await offline.IssuerAsync("workload", "active"))!.KeyHash);
        await AdvanceAsync(offline, TimeSpan.FromDays(2));
        await Eventually.TrueAsync(async () => (await offline.IssuerAsync("workload", "active"))?.KeyHash == spare.KeyHash, TestContext.Current.CancellationToken);
        Assert.True(new SvidVerifier(offline.Mesh.Clock).Verify((await new TestWorkload(offline.Mesh, "web").EnrollAsync()).Chain, await offline.Mesh.BundleAsync()).IsValid);
        await offline.AwaitedAsync("workload", "control-plane");
    }

    [Fact]
    public async Task What_nobody_has_signed_is_overdue_from_sixty_percent_on_and_said_in_the_log()
    {
        await using var offline = await OfflineMesh.StartAsync();
        offline.Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        await offline.AwaitedAsync("workload", "control-plane");

        await AdvanceAsync(offline, TimeSpan.FromDays(55));

        Assert.All((await offline.RequestsAsync()).Where(request => request.Purpose != "bundle"), request => Assert.True(request.IsOverdue));
        // Signed late it takes over as soon as it has been published.
        var late = await offline.CertifyAsync();
        await AdvanceAsync(offline, TimeSpan.FromMinutes(6));
        await Eventually.TrueAsync(async () => await offline.IssuerAsync("control-plane", "prepared") is null, TestContext.Current.CancellationToken);
        Assert.True((await offline.Trust.GetBundleAsync()).Sequence > late.Sequence);
    }

    [Theory]
    [InlineData("workload")]
    [InlineData("control-plane")]
    public async Task Rotating_without_a_certified_successor_is_refused_and_says_what_to_sign(string purpose)
    {
        await using var offline = await OfflineMesh.StartAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.Trust.RotateIssuerAsync(purpose));

        Assert.Equal(MeshError.Conflict, refusal.Error);
        Assert.Contains($"mesh issuer csr {purpose} prints", refusal.Message, StringComparison.Ordinal);
        // It is there, without waiting for a reminder.
        Assert.Contains(await offline.RequestsAsync(), request => request.Purpose == purpose);
        await offline.CertifyAsync();
        var spare = (await offline.IssuerAsync(purpose, "prepared"))!;
        if (purpose == "control-plane")
        {
            Assert.Contains("is being published", (await Assert.ThrowsAsync<MeshException>(() => offline.Trust.RotateIssuerAsync(purpose))).Message, StringComparison.Ordinal);
            offline.Mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        await offline.Trust.RotateIssuerAsync(purpose);

        Assert.Equal(spare.KeyHash, (await offline.IssuerAsync(purpose, "active"))!.KeyHash);
    }

    [Theory]
    [InlineData("workload")]
    [InlineData("control-plane")]
    public async Task Revoking_takes_the_one_that_stands_by_in_the_same_bundle(string purpose)
    {
        await using var offline = await OfflineMesh.StartAsync();
        await Assert.ThrowsAsync<MeshException>(() => offline.Trust.RotateIssuerAsync(purpose));
        await offline.CertifyAsync();
        var (stolen, spare, held) = ((await offline.IssuerAsync(purpose, "active"))!, (await offline.IssuerAsync(purpose, "prepared"))!, await offline.Mesh.BundleAsync());

        await offline.Trust.RevokeIssuerAsync(stolen.KeyHash, "stolen");

        var status = await offline.Trust.GetStatusAsync();
        Assert.Equal(spare.KeyHash, status.Issuers.Single(issuer => issuer.Purpose == purpose && issuer.Stage == "active").KeyHash);
        SignedBundle.Parse(status.SignedBundle).VerifySuccessor(held, offline.Now);
        // The next one is asked for at once.
        Assert.Contains(status.Requests, request => request.Purpose == purpose);
    }

    [Fact]
    public async Task Without_one_that_stands_by_revoking_is_refused_unless_it_is_meant()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var web = new TestWorkload(offline.Mesh, "web");
        var old = await web.EnrollAsync();
        var stolen = (await offline.IssuerAsync("workload", "active"))!.KeyHash;
        var before = await offline.Trust.GetBundleAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.Trust.RevokeIssuerAsync(stolen, "stolen"));

        Assert.Equal(MeshError.Conflict, refusal.Error);
        Assert.Contains("--without-successor: then no workload gets or renews a certificate", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await offline.Trust.GetBundleAsync());

        await offline.Trust.RevokeIssuerAsync(stolen, "stolen", withoutSuccessor: true);

        var verifier = new SvidVerifier(offline.Mesh.Clock);
        Assert.Equal(SvidRejection.Revoked, verifier.Verify(old.Chain, await offline.Mesh.BundleAsync()).Rejection);
        Assert.Equal(MeshError.NotReady, (await Assert.ThrowsAsync<MeshException>(web.RenewAsync)).Error);
        Assert.True(Assert.Single(await offline.RequestsAsync(), request => request.Purpose == "workload").IsOverdue);

        await offline.CertifyAsync();

        var renewed = await web.RenewWhenReadyAsync(TestContext.Current.CancellationToken);
        Assert.True(verifier.Verify(renewed.Chain, await offline.Mesh.BundleAsync()).IsValid);
    }

    [Fact]
    public async Task A_revoked_issuer_is_not_let_in_again()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var stolen = (await offline.IssuerAsync("workload", "active"))!;
        await offline.Trust.RevokeIssuerAsync(stolen.KeyHash, "stolen", withoutSuccessor: true);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.Trust.InstallCertificatesAsync([stolen.Certificate]));

        Assert.Contains("is for a key that awaits none", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bundle_key_is_asked_for_again_before_its_certificate_ends_and_taken_at_once()
    {
        await using var offline = await OfflineMesh.StartAsync();
        offline.Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        await offline.AwaitedAsync("workload", "control-plane");
        Assert.DoesNotContain(await offline.RequestsAsync(), request => request.Purpose == "bundle");
        await AdvanceAsync(offline, TimeSpan.FromDays(55));
        await offline.AwaitedAsync("bundle");
        var held = await offline.Mesh.BundleAsync();

        var snapshot = await offline.CertifyAsync();

        var next = SignedBundle.Parse(snapshot.SignedBundle);
        next.VerifySuccessor(held, offline.Now);
        // The old one would have ended by then.
        offline.Mesh.Clock.AdjustTime(offline.Now + TimeSpan.FromDays(60));
        next.VerifyFirstContact(MeshCluster.TrustDomain, [offline.Anchor.KeyHash], offline.Now);
    }

    // In steps, as reminders come; each commit of a reminder is seen before the next.
    private static async Task AdvanceAsync(OfflineMesh offline, TimeSpan by)
    {
        offline.Mesh.Clock.Advance(by);
        offline.Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        var sequence = -1L;
        await Eventually.TrueAsync(
            async () =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
                var seen = (await offline.Trust.GetBundleAsync()).Sequence;
                return sequence == (sequence = seen);
            },
            TestContext.Current.CancellationToken);
    }
}
