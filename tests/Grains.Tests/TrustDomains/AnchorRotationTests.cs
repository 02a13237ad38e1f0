using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>An operator changes the anchor, step by step, or throws out a stolen one.</summary>
public class AnchorRotationTests
{
    [Fact]
    public async Task A_whole_rotation_leaves_every_certificate_good_at_every_step()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var first = await web.EnrollAsync();
        var held = await mesh.BundleAsync();
        var old = held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash;

        var started = Follow(held, await mesh.Trust.StartAnchorRotationAsync(), mesh);
        Assert.True(IsGood(mesh, first.Chain, started));
        var activated = Follow(started, await mesh.Trust.ActivateAnchorAsync(), mesh);
        Assert.True(IsGood(mesh, first.Chain, activated));
        var second = await web.RenewAsync();
        Assert.True(IsGood(mesh, second.Chain, activated));
        // Also where the bundle before it is still held, since that names the new anchor and its issuers.
        Assert.True(IsGood(mesh, second.Chain, started));

        var refusal = await Assert.ThrowsAsync<MeshException>(mesh.Trust.RetireAnchorAsync);
        Assert.Equal(MeshError.Conflict, refusal.Error);
        Assert.Contains("leaves of the workload issuer", refusal.Message, StringComparison.Ordinal);

        mesh.Clock.Advance(TimeSpan.FromHours(13));
        await web.RenewAsync();
        mesh.Clock.Advance(TimeSpan.FromHours(12));
        var third = await web.RenewAsync();
        var retired = Follow(activated, await mesh.Trust.RetireAnchorAsync(), mesh);
        Assert.DoesNotContain(retired.Anchors, anchor => anchor.KeyHash == old);
        Assert.True(IsGood(mesh, third.Chain, retired));
        Assert.Equal(["active", "active"], (await mesh.Trust.GetStatusAsync()).Issuers.Select(issuer => issuer.Stage));
        // Bundles go on, signed under the new anchor; tokens lead to it.
        Follow(retired, await mesh.Trust.BanAsync(new TestWorkload(mesh, "another").Id), mesh);
        await new TestWorkload(mesh, "late").EnrollAsync();
    }

    [Fact]
    public async Task A_token_from_before_the_rotation_still_leads_to_the_mesh_until_the_old_anchor_is_retired()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var token = JoinToken.ParseUnverified(await new TestWorkload(mesh, "web").TokenAsync());
        await mesh.Trust.StartAnchorRotationAsync();

        var activated = SignedBundle.Parse((await mesh.Trust.ActivateAnchorAsync()).SignedBundle);

        activated.VerifyFirstContact(MeshCluster.TrustDomain, token.Anchors, mesh.Clock.GetUtcNow());
        // So does one that is made in between, while bundles are signed under the old anchor.
        var between = JoinToken.ParseUnverified(await new TestWorkload(mesh, "web").TokenAsync());
        activated.VerifyFirstContact(MeshCluster.TrustDomain, between.Anchors, mesh.Clock.GetUtcNow());
    }

    [Fact]
    public async Task A_stolen_anchor_is_followed_by_the_standby_that_everybody_knows_and_not_by_one_just_prepared()
    {
        await using var mesh = await MeshCluster.StartAsync();
        // Held by somebody who is cut off while the rotation starts.
        var held = await mesh.BundleAsync();
        await mesh.Trust.StartAnchorRotationAsync();

        var revoked = Follow(held, await mesh.Trust.RevokeAnchorAsync(held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash, "drill"), mesh);

        Assert.Equal(
            held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Standby).KeyHash,
            revoked.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash);
        await new TestWorkload(mesh, "web").EnrollAsync();
    }

    [Fact]
    public async Task A_rotation_can_be_aborted_before_the_new_anchor_signs_and_not_after()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var before = await mesh.Trust.GetStatusAsync();
        await mesh.Trust.StartAnchorRotationAsync();

        await mesh.Trust.AbortAnchorRotationAsync();

        var after = await mesh.Trust.GetStatusAsync();
        Assert.Equal(before.Anchors.Select(anchor => anchor.KeyHash), after.Anchors.Select(anchor => anchor.KeyHash));
        Assert.Equal(before.Issuers.Select(issuer => issuer.KeyHash), after.Issuers.Select(issuer => issuer.KeyHash));
        await mesh.Trust.StartAnchorRotationAsync();
        await mesh.Trust.ActivateAnchorAsync();
        Assert.Equal(MeshError.Conflict, (await Assert.ThrowsAsync<MeshException>(mesh.Trust.AbortAnchorRotationAsync)).Error);
    }

    [Fact]
    public async Task Steps_out_of_turn_are_refused_and_change_nothing()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var before = await mesh.Trust.GetBundleAsync();

        foreach (var step in new Func<Task<TrustSnapshot>>[] { mesh.Trust.ActivateAnchorAsync, mesh.Trust.RetireAnchorAsync, mesh.Trust.AbortAnchorRotationAsync })
        {
            Assert.Equal(MeshError.Conflict, (await Assert.ThrowsAsync<MeshException>(step)).Error);
        }

        Assert.Equal(before, await mesh.Trust.GetBundleAsync());
        await mesh.Trust.StartAnchorRotationAsync();
        Assert.Equal(MeshError.Conflict, (await Assert.ThrowsAsync<MeshException>(() => mesh.Trust.StartAnchorRotationAsync())).Error);
    }

    [Fact]
    public async Task Revoking_the_anchor_that_signs_voids_all_under_it_and_the_standby_takes_over_in_the_same_bundle()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var old = await web.EnrollAsync();
        var held = await mesh.BundleAsync();
        var stolen = held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash;
        var standby = held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Standby).KeyHash;

        var revoked = Follow(held, await mesh.Trust.RevokeAnchorAsync(stolen, "the vault was open"), mesh);

        Assert.Equal(held.Sequence + 1, revoked.Sequence);
        Assert.Equal(standby, revoked.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash);
        // There is a standby again, for the next time.
        Assert.Single(revoked.Anchors, anchor => anchor.Stage == AnchorStage.Standby && anchor.KeyHash != standby);
        Assert.False(IsGood(mesh, old.Chain, revoked));
        Assert.True(IsGood(mesh, (await web.RenewAsync()).Chain, revoked));
        Assert.Equal(2, (await mesh.Trust.GetStatusAsync()).Issuers.Length);
        Assert.Equal(await mesh.Trust.GetBundleAsync(), await mesh.Trust.RevokeAnchorAsync(stolen, "again"));
    }

    [Fact]
    public async Task Revoking_the_old_anchor_of_a_rotation_ends_the_rotation()
    {
        await using var mesh = await MeshCluster.StartAsync();
        await mesh.Trust.StartAnchorRotationAsync();
        var held = Follow(await mesh.BundleAsync(), await mesh.Trust.ActivateAnchorAsync(), mesh);
        var old = held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Retiring).KeyHash;

        var revoked = Follow(held, await mesh.Trust.RevokeAnchorAsync(old, "drill"), mesh);

        Assert.Equal(
            held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash,
            revoked.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash);
        Assert.Equal(["active", "active"], (await mesh.Trust.GetStatusAsync()).Issuers.Select(issuer => issuer.Stage));
        await new TestWorkload(mesh, "web").EnrollAsync();
    }

    [Fact]
    public async Task The_old_anchor_can_go_once_every_certificate_under_it_was_replaced()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var (web, voting) = (new TestWorkload(mesh, "web"), new TestWorkload(mesh, "voting"));
        await web.EnrollAsync();
        await voting.EnrollAsync();
        await mesh.Trust.StartAnchorRotationAsync();
        var activated = SignedBundle.Parse((await mesh.Trust.ActivateAnchorAsync()).SignedBundle).Bundle;
        mesh.Clock.Advance(TimeSpan.FromMinutes(3));

        await web.RenewAsync();
        var refusal = await Assert.ThrowsAsync<MeshException>(mesh.Trust.RetireAnchorAsync);

        Assert.Contains("1 leaves of the workload issuer", refusal.Message, StringComparison.Ordinal);
        await voting.RenewAsync();
        var retired = Follow(activated, await mesh.Trust.RetireAnchorAsync(), mesh);
        Assert.All([web, voting], workload => Assert.True(IsGood(mesh, workload.Credential!.Svid.Chain, retired)));
    }

    private static TrustBundle Follow(TrustBundle held, TrustSnapshot snapshot, MeshCluster mesh)
    {
        var next = SignedBundle.Parse(snapshot.SignedBundle);
        next.VerifySuccessor(held, mesh.Clock.GetUtcNow());
        return next.Bundle;
    }

    private static bool IsGood(MeshCluster mesh, IReadOnlyList<ReadOnlyMemory<byte>> chain, TrustBundle bundle) =>
        new SvidVerifier(mesh.Clock).Verify(chain, bundle).IsValid;
}
