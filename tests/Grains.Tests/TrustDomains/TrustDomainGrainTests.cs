using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.TrustDomains;

public class TrustDomainGrainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sixteen_that_start_at_once_on_an_empty_store_share_one_anchor()
    {
        await using var mesh = await MeshCluster.StartAsync(createTrustDomain: false);
        var genesis = mesh.Services.GetRequiredService<TrustGenesis>();

        var created = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => genesis.CreateOrLoadAsync(MeshCluster.TrustDomain, Cancel), Cancel)));

        Assert.Single(created.Select(state => state.ActiveAnchor.KeyHash).Distinct());
        Assert.Single(created.Select(state => state.SignedBundle).Distinct());
    }

    [Fact]
    public async Task A_store_serves_one_trust_domain_for_good()
    {
        await using var mesh = await MeshCluster.StartAsync();

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(
            () => mesh.Services.GetRequiredService<TrustGenesis>().CreateOrLoadAsync(TrustDomainName.Parse("west.mesh.example"), Cancel));

        Assert.Contains("belongs to trust domain east.mesh.example", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bundle_verifies_at_first_contact_by_its_anchors_hash()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var signed = SignedBundle.Parse((await mesh.Trust.GetBundleAsync()).SignedBundle);

        signed.VerifyFirstContact(MeshCluster.TrustDomain, [signed.Bundle.Anchors[0].KeyHash], mesh.Clock.GetUtcNow());

        Assert.Throws<BundleRejectedException>(() =>
            signed.VerifyFirstContact(MeshCluster.TrustDomain, [KeyHash.OfPublicKey("another"u8)], mesh.Clock.GetUtcNow()));
    }

    [Fact]
    public async Task Revoking_the_issuer_that_signs_puts_its_successor_in_the_same_bundle()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var old = await web.EnrollAsync();
        var before = SignedBundle.Parse((await mesh.Trust.GetBundleAsync()).SignedBundle);
        var stolen = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == "workload").KeyHash;

        var revoked = await mesh.Trust.RevokeIssuerAsync(stolen, "key found in a paste");

        var after = SignedBundle.Parse(revoked.SignedBundle);
        after.VerifySuccessor(before.Bundle, mesh.Clock.GetUtcNow());
        Assert.Equal(before.Bundle.Sequence + 1, after.Bundle.Sequence);
        var verifier = new SvidVerifier(mesh.Clock);
        Assert.Equal(SvidRejection.Revoked, verifier.Verify(old.Chain, after.Bundle).Rejection);
        var renewed = await web.RenewAsync();
        Assert.True(verifier.Verify(renewed.Chain, after.Bundle).IsValid);
    }

    [Fact]
    public async Task Revoking_again_changes_nothing_and_revoking_the_unknown_is_refused()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var issuer = (await mesh.Trust.GetStatusAsync()).Issuers[0].KeyHash;
        var first = await mesh.Trust.RevokeIssuerAsync(issuer, "drill");

        Assert.Equal(first, await mesh.Trust.RevokeIssuerAsync(issuer, "drill again"));
        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.Trust.RevokeIssuerAsync(KeyHash.OfPublicKey("nobody"u8), "drill"));
        Assert.Equal(MeshError.NotFound, refusal.Error);
    }

    [Fact]
    public async Task A_poll_answers_when_the_bundle_changes()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var feed = mesh.Grains.GetGrain<ITrustFeed>(MeshCluster.TrustDomain.Name);
        var known = await feed.PollAsync(0, Cancel);
        var poll = feed.PollAsync(known!.Sequence, Cancel);
        Assert.False(poll.IsCompleted);

        var changed = await mesh.Trust.BanAsync(new TestWorkload(mesh, "web").Id);

        Assert.Equal(changed, await poll);
    }

    [Theory]
    [InlineData("00:00:30")]
    [InlineData("8.00:00:00")]
    public async Task A_token_of_another_length_than_allowed_is_refused(string lifetime)
    {
        await using var mesh = await MeshCluster.StartAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => mesh.Trust.CreateJoinTokenAsync(
            new TestWorkload(mesh, "web").Id, TimeSpan.Parse(lifetime, null), [new Uri("https://127.0.0.1:8086")]));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
    }

    [Fact]
    public async Task No_token_is_made_for_a_silo_or_a_stranger()
    {
        await using var mesh = await MeshCluster.StartAsync();
        foreach (var id in new[] { SpiffeId.ForSilo(MeshCluster.TrustDomain, "silo-1"), SpiffeId.Parse("spiffe://west.mesh.example/ns/a/sa/b") })
        {
            var refusal = await Assert.ThrowsAsync<MeshException>(() =>
                mesh.Trust.CreateJoinTokenAsync(id, TimeSpan.FromHours(1), [new Uri("https://127.0.0.1:8086")]));
            Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        }
    }
}
