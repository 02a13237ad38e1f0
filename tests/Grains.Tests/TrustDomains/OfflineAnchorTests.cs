using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>Anchors change, and are thrown out, while their keys are elsewhere.</summary>
public class OfflineAnchorTests
{
    [Fact]
    public async Task A_rotation_from_one_anchor_in_a_safe_to_another_loses_nobody()
    {
        await using var offline = await OfflineMesh.StartAsync();
        using var next = new OfflineCa(offline.Now, "the next anchor");
        var web = new TestWorkload(offline.Mesh, "web");
        await web.EnrollAsync();
        var held = await offline.Mesh.BundleAsync();

        var unnamed = await Assert.ThrowsAsync<MeshException>(() => offline.Trust.StartAnchorRotationAsync());
        Assert.Contains("mesh trust rotate start --certificate FILE", unnamed.Message, StringComparison.Ordinal);
        held = Follow(offline, held, await offline.Trust.StartAnchorRotationAsync(next.Certificate));
        var uncertified = await Assert.ThrowsAsync<MeshException>(offline.Trust.ActivateAnchorAsync);
        Assert.Contains("mesh issuer csr workload prints", uncertified.Message, StringComparison.Ordinal);
        Assert.Equal(["bundle", "control-plane", "workload"], (await offline.RequestsAsync()).Where(request => request.Anchor == next.KeyHash).Select(request => request.Purpose).Order());
        held = Follow(offline, held, await offline.CertifyAsync(next));
        held = Follow(offline, held, await offline.Trust.ActivateAnchorAsync());
        Assert.True(IsGood(offline, (await web.RenewAsync()).Chain, held));
        offline.Mesh.Clock.AdjustTime(offline.Now + TimeSpan.FromDays(2));
        held = Follow(offline, held, await offline.Trust.RetireAnchorAsync());

        Assert.Equal(next.KeyHash, Assert.Single(held.Anchors).KeyHash);
        SignedBundle.Parse((await offline.Trust.GetBundleAsync()).SignedBundle).VerifyFirstContact(MeshCluster.TrustDomain, [next.KeyHash], offline.Now);
        Assert.True(IsGood(offline, (await web.RenewAsync()).Chain, held));
    }

    [Fact]
    public async Task A_rotation_can_be_activated_and_not_retired_before_its_bundle_key_is_certified()
    {
        await using var offline = await OfflineMesh.StartAsync();
        using var next = new OfflineCa(offline.Now, "the next anchor");
        await offline.Trust.StartAnchorRotationAsync(next.Certificate);
        await offline.Trust.InstallCertificatesAsync(
            [.. (await offline.RequestsAsync()).Where(request => request.Anchor == next.KeyHash && request.Purpose != "bundle").Select(request => next.Sign(request, offline.Now))]);
        await offline.Trust.ActivateAnchorAsync();
        offline.Mesh.Clock.AdjustTime(offline.Now + TimeSpan.FromDays(2));

        var refusal = await Assert.ThrowsAsync<MeshException>(offline.Trust.RetireAnchorAsync);

        Assert.Contains("mesh issuer csr bundle prints", refusal.Message, StringComparison.Ordinal);
        await offline.CertifyAsync(next);
        await offline.Trust.RetireAnchorAsync();
    }

    [Fact]
    public async Task No_standby_is_made_beside_an_anchor_in_a_safe()
    {
        await using var offline = await OfflineMesh.StartAsync();

        Assert.Equal("active", Assert.Single((await offline.Trust.GetStatusAsync()).Anchors).Stage);
        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.Trust.RevokeAnchorAsync(offline.Anchor.KeyHash, "stolen"));
        Assert.Contains("the only anchor that anybody knows", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_standby_in_a_safe_takes_over_from_a_stolen_anchor_once_it_has_certified_what_signs()
    {
        using var standby = new OfflineCa(new MeshStores().Clock.GetUtcNow(), "standby in another safe");
        await using var offline = await OfflineMesh.StartAsync(standby);
        var web = new TestWorkload(offline.Mesh, "web");
        var old = await web.EnrollAsync();
        var held = await offline.Mesh.BundleAsync();
        Assert.Contains(held.Anchors, anchor => anchor.Stage == AnchorStage.Standby && anchor.KeyHash == standby.KeyHash);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.Trust.RevokeAnchorAsync(offline.Anchor.KeyHash, "stolen"));
        Assert.Contains("mesh trust rotate start --standby", refusal.Message, StringComparison.Ordinal);
        held = Follow(offline, held, await offline.Trust.StartAnchorRotationAsync(useStandby: true));
        held = Follow(offline, held, await offline.CertifyAsync(standby));
        var revoked = Follow(offline, held, await offline.Trust.RevokeAnchorAsync(offline.Anchor.KeyHash, "stolen"));

        Assert.Equal((standby.KeyHash, AnchorStage.Active), (Assert.Single(revoked.Anchors).KeyHash, revoked.Anchors[0].Stage));
        Assert.False(IsGood(offline, old.Chain, revoked));
        Assert.True(IsGood(offline, (await web.RenewAsync()).Chain, revoked));
        // Nothing waits for the one that is gone, and the standby's own spares are asked for.
        Assert.All(await offline.RequestsAsync(), request => Assert.Equal(standby.KeyHash, request.Anchor));
    }

    [Fact]
    public async Task A_standby_whose_key_is_brought_takes_over_at_once()
    {
        using var standby = new OfflineCa(new MeshStores().Clock.GetUtcNow(), "standby in another safe");
        await using var offline = await OfflineMesh.StartAsync();
        var held = Follow(offline, await offline.Mesh.BundleAsync(), await offline.Trust.InstallStandbyAsync(standby.Certificate));
        Assert.Equal(held.Sequence, (await offline.Trust.InstallStandbyAsync(standby.Certificate)).Sequence);
        Assert.Equal(MeshError.Conflict, (await Assert.ThrowsAsync<MeshException>(() => offline.Trust.TakeAnchorKeyAsync(standby.KeyHash))).Error);

        await offline.Mesh.Stores.Keys.ImportAsync(standby.Key, Keys.KeyUse.Anchor, CancellationToken.None);
        held = Follow(offline, held, await offline.Trust.TakeAnchorKeyAsync(standby.KeyHash));
        held = Follow(offline, held, await offline.Trust.RevokeAnchorAsync(offline.Anchor.KeyHash, "stolen"));

        Assert.Equal(standby.KeyHash, held.Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash);
        Assert.True(IsGood(offline, (await new TestWorkload(offline.Mesh, "web").EnrollAsync()).Chain, held));
        Assert.Empty(await offline.RequestsAsync());
    }

    [Fact]
    public async Task A_standby_made_elsewhere_takes_the_place_of_the_one_that_the_silo_has_made()
    {
        await using var mesh = await MeshCluster.StartAsync();
        using var standby = new OfflineCa(mesh.Clock.GetUtcNow(), "standby in a safe");
        var made = (await mesh.BundleAsync()).Anchors.Single(anchor => anchor.Stage == AnchorStage.Standby).KeyHash;

        var bundle = SignedBundle.Parse((await mesh.Trust.InstallStandbyAsync(standby.Certificate)).SignedBundle).Bundle;

        Assert.Equal(standby.KeyHash, bundle.Anchors.Single(anchor => anchor.Stage == AnchorStage.Standby).KeyHash);
        Assert.DoesNotContain(bundle.Anchors, anchor => anchor.KeyHash == made);
        // The key of the anchor in use is here, and the standby's is not: what the standby signs is asked for.
        await mesh.Trust.StartAnchorRotationAsync(useStandby: true);
        Assert.All((await mesh.Trust.GetStatusAsync()).Requests, request => Assert.Equal(standby.KeyHash, request.Anchor));
    }

    [Fact]
    public async Task A_rotation_to_the_standby_that_is_aborted_leaves_it_the_standby()
    {
        using var standby = new OfflineCa(new MeshStores().Clock.GetUtcNow(), "standby in another safe");
        await using var offline = await OfflineMesh.StartAsync(standby);
        await offline.Trust.StartAnchorRotationAsync(useStandby: true);
        Assert.Contains(await offline.RequestsAsync(), request => request.Anchor == standby.KeyHash);

        await offline.Trust.AbortAnchorRotationAsync();

        Assert.Equal(["active", "standby"], (await offline.Trust.GetStatusAsync()).Anchors.Select(anchor => anchor.Stage).Order());
        Assert.DoesNotContain(await offline.RequestsAsync(), request => request.Anchor == standby.KeyHash);
    }

    [Fact]
    public async Task A_bundle_is_confirmed_by_the_key_that_signed_it_as_of_now()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var feed = offline.Mesh.Grains.GetGrain<ITrustFeed>(MeshCluster.TrustDomain.Name);
        var held = SignedBundle.Parse((await offline.Trust.GetBundleAsync()).SignedBundle);
        offline.Mesh.Clock.AdjustTime(offline.Now + TimeSpan.FromMinutes(3));

        Assert.Equal(offline.Now, BundleConfirmation.Verify(await feed.ConfirmBundleAsync(), held, offline.Now).ConfirmedAt);

        await offline.Trust.BanAsync(new TestWorkload(offline.Mesh, "web").Id);
        var other = await feed.ConfirmBundleAsync();
        var refusal = Assert.Throws<FormatException>(() => BundleConfirmation.Verify(other, held, offline.Now));
        Assert.Contains("is about the bundle of sequence", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restored_mesh_waits_for_issuers_that_nobody_can_have_stolen()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var restoration = offline.Mesh.Services.GetRequiredService<TrustRestoration>();

        var restored = await restoration.BeginAsync(await offline.ReadAsync(), CancellationToken.None);

        Assert.False(restored.CanServe(offline.Now));
        Assert.Equal((2, 0), (restored.Issuers.Length, restored.Requests.Length));
        Assert.All(restored.Issuers, issuer => Assert.Equal(IssuerStage.Retiring, issuer.Stage));
        SignedBundle.Parse(restored.SignedBundle).VerifyFirstContact(MeshCluster.TrustDomain, [offline.Anchor.KeyHash], offline.Now);
    }

    [Fact]
    public async Task A_revocation_that_a_backup_lacked_comes_back_though_no_successor_is_certified()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var (restoration, state) = (offline.Mesh.Services.GetRequiredService<TrustRestoration>(), await offline.ReadAsync());
        var stolen = (await offline.IssuerAsync("workload", "active"))!;
        var known = await offline.Mesh.BundleAsync() with { Revocations = [new Revocation(stolen.KeyHash, offline.Now, stolen.NotAfter, "stolen")] };

        var next = await restoration.RememberAsync(state, known, CancellationToken.None);

        Assert.True(next.IsRevoked(stolen.KeyHash));
        Assert.Null(next.ActiveIssuer(Certificates.AuthorityPurpose.Workload));
    }

    private static TrustBundle Follow(OfflineMesh offline, TrustBundle held, TrustSnapshot snapshot)
    {
        var next = SignedBundle.Parse(snapshot.SignedBundle);
        next.VerifySuccessor(held, offline.Now);
        return next.Bundle;
    }

    private static bool IsGood(OfflineMesh offline, IReadOnlyList<ReadOnlyMemory<byte>> chain, TrustBundle bundle) =>
        new SvidVerifier(offline.Mesh.Clock).Verify(chain, bundle).IsValid;
}
