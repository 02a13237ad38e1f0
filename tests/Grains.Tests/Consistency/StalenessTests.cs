using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>A silo that has not heard of a change must not act on what it remembers.</summary>
public class StalenessTests
{
    [Fact]
    public async Task A_change_that_another_silo_has_written_stops_signing_under_the_old_state_within_a_second()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var stolen = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == "workload").KeyHash;
        await RevokeBehindItsBackAsync(mesh, stolen);

        mesh.Clock.Advance(TimeSpan.FromSeconds(1.1));
        await Eventually.TrueAsync(async () => await Record.ExceptionAsync(() => web.EnrollAsync()) is null, TestContext.Current.CancellationToken);

        var signedBy = mesh.Issuance.Records[^1].Issuer;
        Assert.NotEqual(stolen, signedBy);
        Assert.Contains((await mesh.BundleAsync()).Revocations, revocation => revocation.KeyHash == stolen);
    }

    [Fact]
    public async Task Whoever_knows_of_a_newer_epoch_is_told_that_this_silo_is_stale()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);

        var refusal = await Assert.ThrowsAsync<MeshException>(
            () => web.RenewAsync(CertificateRequestBuilder.CreateCsr(web.Id, key), web.Credential!, epoch: 7));

        Assert.Equal(MeshError.Stale, refusal.Error);
    }

    [Fact]
    public async Task Two_activations_that_write_at_once_leave_one_content_for_each_sequence()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var before = await mesh.BundleAsync();
        var issuer = (await mesh.Trust.GetStatusAsync()).Issuers.Single(issuer => issuer.Purpose == "workload").KeyHash;
        await RevokeBehindItsBackAsync(mesh, issuer);

        // The activation in memory still holds the state from before: its write must fail, and nobody may see what it wanted to write.
        var seen = new List<TrustSnapshot>();
        var ban = await Record.ExceptionAsync(async () => seen.Add(await mesh.Trust.BanAsync(new TestWorkload(mesh, "web").Id)));
        await Eventually.TrueAsync(async () => (await mesh.BundleAsync()).Revocations.Count == 1, TestContext.Current.CancellationToken);

        Assert.IsType<InconsistentStateException>(ban);
        Assert.Empty(seen);
        var after = await mesh.BundleAsync();
        Assert.Equal(before.Sequence + 1, after.Sequence);
        Assert.Empty(after.Bans);
    }

    // As a second activation on a partitioned silo would have done.
    private static async Task RevokeBehindItsBackAsync(MeshCluster mesh, KeyHash issuer)
    {
        var services = mesh.Services;
        var storage = services.GetRequiredService<IGrainStorage>();
        var row = new GrainState<TrustDomainState>(new TrustDomainState());
        await storage.ReadStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(MeshCluster.TrustDomain), row);
        var state = row.State!;
        var revoked = state.Issuers.Single(known => known.KeyHash == issuer);
        var successor = await services.GetRequiredService<AuthorityFactory>().CreateIssuerAsync(
            MeshCluster.TrustDomain, revoked.Purpose, IssuerStage.Prepared, state.ActiveAnchor, CancellationToken.None);
        row.State = await services.GetRequiredService<BundleSealer>().SealAsync(
            state.WithRevoked(revoked, successor, mesh.Clock.GetUtcNow(), "elsewhere") with { Sequence = state.Sequence + 1, Epoch = state.Epoch + 1 },
            CancellationToken.None);
        await storage.WriteStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(MeshCluster.TrustDomain), row);
    }
}
