using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>A trust domain comes back from a backup, and those who remember tell it what happened since.</summary>
public class RestorationTests
{
    [Theory]
    [InlineData("workload")]
    [InlineData("control-plane")]
    public async Task A_revocation_of_after_the_backup_comes_back_from_whoever_holds_a_bundle_that_has_it(string purpose)
    {
        await using var mesh = await MeshCluster.StartAsync();
        var stolen = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == purpose).KeyHash;
        var backup = mesh.Stores.Storage.Copy();
        var held = SignedBundle.Parse((await mesh.Trust.RevokeIssuerAsync(stolen, "stolen")).SignedBundle);

        await using var restored = await RestoreAsync(mesh, backup);

        var bundle = SignedBundle.Parse((await restored.Trust.GetBundleAsync()).SignedBundle);
        // It is refused by those who know better, and tells them to speak.
        var refusal = Assert.Throws<BundleRejectedException>(() => bundle.VerifySuccessor(held.Bundle, mesh.Clock.GetUtcNow()));
        Assert.Equal(BundleRejection.DroppedRevocation, refusal.Reason);
        Assert.True(bundle.Bundle.Forgotten!.Holds(held.Bundle.Sequence));
        // The stolen issuer signs nothing meanwhile.
        Assert.DoesNotContain((await restored.Trust.GetStatusAsync()).Issuers, issuer => issuer.KeyHash == stolen && issuer.Stage == "active");

        var learned = SignedBundle.Parse((await Feed(restored).OfferAsync(held.Jws)).SignedBundle);

        learned.VerifySuccessor(held.Bundle, mesh.Clock.GetUtcNow());
        var revocation = Assert.Single(learned.Bundle.Revocations);
        Assert.Equal(held.Bundle.Revocations.Single(), revocation);
        Assert.DoesNotContain((await restored.Trust.GetStatusAsync()).Issuers, issuer => issuer.KeyHash == stolen);
        Assert.Equal(["active", "active"], (await restored.Trust.GetStatusAsync()).Issuers.Where(issuer => issuer.Stage == "active").Select(issuer => issuer.Stage));
        // Another who holds the same, or an older one, has nothing to add.
        Assert.False(learned.Bundle.Forgotten!.Holds(held.Bundle.Sequence));
        Assert.Equal(learned.Bundle.Sequence, (await Feed(restored).OfferAsync(held.Jws)).Sequence);
    }

    [Fact]
    public async Task A_revoked_anchor_stays_revoked_although_the_restored_trust_domain_began_under_it()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var stolen = (await mesh.BundleAsync()).Anchors.Single(anchor => anchor.Stage == AnchorStage.Active).KeyHash;
        var backup = mesh.Stores.Storage.Copy();
        var held = SignedBundle.Parse((await mesh.Trust.RevokeAnchorAsync(stolen, "stolen")).SignedBundle);

        await using var restored = await RestoreAsync(mesh, backup);
        var learned = SignedBundle.Parse((await Feed(restored).OfferAsync(held.Jws)).SignedBundle);

        learned.VerifySuccessor(held.Bundle, mesh.Clock.GetUtcNow());
        Assert.DoesNotContain(learned.Bundle.Anchors, anchor => anchor.KeyHash == stolen);
        var web = await new TestWorkload(restored, "web").EnrollAsync();
        Assert.True(new SvidVerifier(mesh.Clock).Verify(web.Chain, learned.Bundle).IsValid);
    }

    [Fact]
    public async Task Bans_come_back_as_they_were_but_for_identities_that_were_judged_anew()
    {
        await using var mesh = await MeshCluster.StartAsync();
        SpiffeId Id(string name) => new TestWorkload(mesh, name).Id;
        await mesh.Trust.BanAsync(Id("lifted-since"), "x");
        await mesh.Trust.BanAsync(Id("judged-anew"), "x");
        var backup = mesh.Stores.Storage.Copy();
        mesh.Clock.Advance(TimeSpan.FromMinutes(10));
        await mesh.Trust.BanAsync(Id("banned-since"), "stolen");
        await mesh.Trust.UnbanAsync(Id("judged-anew"));
        await mesh.Trust.UnbanAsync(Id("lifted-since"));
        var held = SignedBundle.Parse((await mesh.Trust.GetBundleAsync()).SignedBundle);

        mesh.Clock.Advance(TimeSpan.FromMinutes(10));
        await using var restored = await RestoreAsync(mesh, backup);
        mesh.Clock.Advance(TimeSpan.FromSeconds(5));
        await restored.Trust.UnbanAsync(Id("judged-anew"));
        await restored.Trust.BanAsync(Id("judged-anew"), "again");
        await Feed(restored).OfferAsync(held.Jws);

        var bans = (await restored.Trust.GetBansAsync()).ToDictionary(ban => ban.Id.ServiceAccount!);
        Assert.Null(bans["banned-since"].IssuedBefore);
        Assert.NotNull(bans["lifted-since"].IssuedBefore);
        Assert.Null(bans["judged-anew"].IssuedBefore);
    }

    [Fact]
    public async Task Of_two_forgotten_bundles_the_later_one_is_believed()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var id = new TestWorkload(mesh, "thief").Id;
        var backup = mesh.Stores.Storage.Copy();
        await mesh.Trust.BanAsync(id, "x");
        mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        await mesh.Trust.UnbanAsync(id);
        var lifted = await mesh.Trust.GetBundleAsync();
        mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        var standing = await mesh.Trust.BanAsync(id, "again");

        await using var restored = await RestoreAsync(mesh, backup);
        await Feed(restored).OfferAsync(lifted.SignedBundle);
        Assert.False(Assert.Single(await restored.Trust.GetBansAsync()).Stands);
        await Feed(restored).OfferAsync(standing.SignedBundle);

        Assert.True(Assert.Single(await restored.Trust.GetBansAsync()).Stands);
    }

    [Fact]
    public async Task Only_a_bundle_of_the_forgotten_time_and_of_this_trust_domain_teaches_anything()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var before = await mesh.Trust.GetBundleAsync();
        var issuer = (await mesh.Trust.GetStatusAsync()).Issuers[0].KeyHash;
        var backup = mesh.Stores.Storage.Copy();
        await using var foreign = await MeshCluster.StartAsync();
        var forged = await foreign.Trust.RevokeIssuerAsync((await foreign.Trust.GetStatusAsync()).Issuers[0].KeyHash, "x");
        var held = await mesh.Trust.RevokeIssuerAsync(issuer, "stolen");

        await using var restored = await RestoreAsync(mesh, backup);
        var now = await restored.Trust.GetBundleAsync();

        // From before the backup, and its own: known.
        Assert.Equal(now.Sequence, (await Feed(restored).OfferAsync(before.SignedBundle)).Sequence);
        Assert.Equal(now.Sequence, (await Feed(restored).OfferAsync(now.SignedBundle)).Sequence);
        foreach (var nonsense in new[] { forged.SignedBundle, held.SignedBundle[..^8] + "AAAAAAAA", "x", "" })
        {
            var refusal = await Assert.ThrowsAsync<MeshException>(() => Feed(restored).OfferAsync(nonsense));
            Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        }

        Assert.Empty((await restored.BundleAsync()).Revocations);
        Assert.Equal(now.Sequence, (await restored.Trust.GetBundleAsync()).Sequence);
    }

    [Fact]
    public async Task What_was_never_restored_takes_nothing_back()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var held = await mesh.Trust.GetBundleAsync();
        await mesh.Trust.BanAsync(new TestWorkload(mesh, "web").Id);
        var now = await mesh.Trust.GetBundleAsync();

        Assert.Equal(now.Sequence, (await Feed(mesh).OfferAsync(held.SignedBundle)).Sequence);
        Assert.Equal(now.Sequence, (await mesh.Trust.GetBundleAsync()).Sequence);
    }

    private static ITrustFeed Feed(MeshCluster mesh) => mesh.Grains.GetGrain<ITrustFeed>(MeshCluster.TrustDomain.Name);

    // The store as it was, and the first state of what follows it; keys and records outlive both here.
    private static async Task<MeshCluster> RestoreAsync(MeshCluster mesh, SharedGrainStorage backup)
    {
        mesh.Clock.Advance(TimeSpan.FromSeconds(5));
        var stores = mesh.Stores.With(backup);
        var restored = await MeshCluster.StartAsync(stores, createTrustDomain: false);
        var row = new GrainState<TrustDomainState>(new TrustDomainState());
        await backup.ReadStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(MeshCluster.TrustDomain), row);
        row.State = await restored.Services.GetRequiredService<TrustRestoration>().BeginAsync(row.State!, CancellationToken.None);
        await backup.WriteStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(MeshCluster.TrustDomain), row);
        return restored;
    }
}
