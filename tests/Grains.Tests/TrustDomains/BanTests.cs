using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>A ban, and what is left of it once it was lifted.</summary>
public class BanTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_ban_is_kept_with_its_reason_and_banning_again_changes_nothing()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var id = new TestWorkload(mesh, "web").Id;

        var first = await mesh.Trust.BanAsync(id, "its node was broken into");

        Assert.Equal(first, await mesh.Trust.BanAsync(id, "another reason"));
        var ban = Assert.Single(await mesh.Trust.GetBansAsync());
        Assert.Equal((id, "its node was broken into", Start, null), (ban.Id, ban.Reason, ban.BannedAt, ban.IssuedBefore));
    }

    [Fact]
    public async Task After_a_ban_is_lifted_a_new_token_enrolls_and_whatever_is_older_stays_refused()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var old = await web.EnrollAsync();
        var (oldCredential, oldToken) = (web.Credential!, await web.TokenAsync());
        mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        await mesh.Trust.BanAsync(web.Id);
        var tokenFromTheBan = await web.TokenAsync();
        mesh.Clock.Advance(TimeSpan.FromMinutes(1.0001));

        var lifted = await mesh.Trust.UnbanAsync(web.Id);

        Assert.Equal(Start + TimeSpan.FromSeconds(121), lifted.IssuedBefore);
        Assert.Equal(lifted, await mesh.Trust.UnbanAsync(web.Id));
        mesh.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(MeshError.Revoked, await RefusalAsync(() => web.RenewAsync(NewCsr(web.Id), oldCredential)));
        Assert.Equal(MeshError.Revoked, await RefusalAsync(() => web.EnrollAsync(NewCsr(web.Id), oldToken)));
        Assert.Equal(MeshError.Revoked, await RefusalAsync(() => web.EnrollAsync(NewCsr(web.Id), tokenFromTheBan)));
        Assert.Equal(MeshError.Revoked, await RefusalAsync(() => web.EnrollAsync(NewCsr(web.Id), old.ReenrollmentToken!)));
        Assert.Single(mesh.Issuance.Records);
        var renewed = await web.EnrollAsync();
        var (bundle, verifier) = (await mesh.BundleAsync(), new SvidVerifier(mesh.Clock));
        Assert.Equal(SvidRejection.Banned, verifier.Verify(old.Chain, bundle).Rejection);
        Assert.True(verifier.Verify(renewed.Chain, bundle).IsValid);
        Assert.True(verifier.Verify((await web.RenewAsync()).Chain, bundle).IsValid);
    }

    [Fact]
    public async Task A_ban_lifted_at_once_refuses_what_signers_may_have_issued_before_they_heard_of_it()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var id = new TestWorkload(mesh, "web").Id;
        await mesh.Trust.BanAsync(id);

        var lifted = await mesh.Trust.UnbanAsync(id);

        Assert.Equal(Start + TimeSpan.FromSeconds(6), lifted.IssuedBefore);
    }

    [Fact]
    public async Task A_signer_whose_clock_is_behind_the_cut_off_issues_nothing_that_would_be_void()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        mesh.Clock.Advance(TimeSpan.FromSeconds(10));
        var token = await web.TokenAsync();
        mesh.Clock.SetUtcNow(Start + TimeSpan.FromSeconds(10));
        await mesh.Trust.BanAsync(web.Id);
        await mesh.Trust.UnbanAsync(web.Id);
        mesh.Clock.Advance(TimeSpan.FromSeconds(6));
        token = await web.TokenAsync();
        mesh.Clock.AdjustTime(Start + TimeSpan.FromSeconds(13));

        var csr = NewCsr(web.Id);
        Assert.Equal(MeshError.NotReady, await RefusalAsync(() => web.EnrollAsync(csr, token)));
        Assert.Empty(mesh.Issuance.Records);
        mesh.Clock.Advance(TimeSpan.FromSeconds(3));
        await web.EnrollAsync(csr, token);
    }

    [Fact]
    public async Task A_lifted_ban_is_dropped_once_nothing_from_before_it_can_be_alive()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var (web, voting) = (new TestWorkload(mesh, "web").Id, new TestWorkload(mesh, "voting").Id);
        await mesh.Trust.BanAsync(web);
        await mesh.Trust.BanAsync(voting);
        mesh.Clock.Advance(TimeSpan.FromHours(1));
        await mesh.Trust.UnbanAsync(web);

        // The longest life of a leaf and the default recovery window.
        mesh.Clock.Advance(TimeSpan.FromDays(14));
        await mesh.Trust.BanAsync(new TestWorkload(mesh, "emoji").Id);
        Assert.Equal(3, (await mesh.Trust.GetBansAsync()).Length);
        mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        await mesh.Trust.BanAsync(new TestWorkload(mesh, "bot").Id);

        Assert.DoesNotContain(await mesh.Trust.GetBansAsync(), ban => ban.Id == web);
        Assert.Contains(await mesh.Trust.GetBansAsync(), ban => ban.Id == voting && ban.Stands);
        Assert.DoesNotContain((await mesh.BundleAsync()).Bans, ban => ban.Id == web);
    }

    [Fact]
    public async Task What_is_not_banned_is_not_unbanned_and_only_workloads_with_one_line_of_reason_are_banned()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web").Id;

        Assert.Equal(MeshError.NotFound, await RefusalAsync(() => mesh.Trust.UnbanAsync(web)));
        Assert.Equal(MeshError.InvalidRequest, await RefusalAsync(() => mesh.Trust.BanAsync(web, new string('x', 257))));
        Assert.Equal(MeshError.InvalidRequest, await RefusalAsync(() => mesh.Trust.BanAsync(web, "one\ntwo")));
        Assert.Equal(MeshError.InvalidRequest, await RefusalAsync(() => mesh.Trust.BanAsync(SpiffeId.ForSilo(MeshCluster.TrustDomain, "silo-0"))));
        Assert.Equal(MeshError.InvalidRequest, await RefusalAsync(() => mesh.Trust.BanAsync(SpiffeId.Parse("spiffe://west.mesh.example/ns/a/sa/b"))));
        Assert.Empty(await mesh.Trust.GetBansAsync());
    }

    [Theory]
    [InlineData(20, BanRules.MaxBans)]
    [InlineData(2000, 248)]
    public void Bans_are_kept_until_the_bundle_has_no_room_for_more(int accountChars, int most)
    {
        var state = new TrustDomainState { Name = "east.mesh.example" };
        for (var i = 0; i < most; i++)
        {
            state = state.WithBan(IdOf(i), "", Start);
        }

        var refusal = Assert.Throws<MeshException>(() => state.WithBan(IdOf(most), "", Start));

        Assert.Equal(MeshError.LimitReached, refusal.Error);
        Assert.StartsWith($"{most} bans are kept, and there is no room for another", refusal.Message, StringComparison.Ordinal);
        // One of those that stand can still be lifted, and banned again.
        var lifted = state.WithLiftedBan(state.Bans[0], Start);
        Assert.Equal(most, lifted.WithBan(state.Bans[0].Id, "", Start).Bans.Length);
        Assert.True(TrustBundleJson.Write(lifted.ToBundle(Start)).Length < 600 * 1024);

        SpiffeId IdOf(int i) => SpiffeId.ForWorkload(MeshCluster.TrustDomain, "emojivoto", $"w{i}-".PadRight(accountChars, 'x'));
    }

    private static byte[] NewCsr(SpiffeId id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(id, key);
    }

    private static async Task<MeshError> RefusalAsync(Func<Task> call) => (await Assert.ThrowsAsync<MeshException>(call)).Error;
}
