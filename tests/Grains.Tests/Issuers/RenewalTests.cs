using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Issuers;

public class RenewalTests
{
    private static byte[] NewCsr(SpiffeId id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(id, key);
    }

    [Fact]
    public async Task Each_renewal_is_the_next_generation_of_the_same_instance()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var first = await web.EnrollAsync();

        for (var i = 0; i < 5; i++)
        {
            mesh.Clock.Advance(TimeSpan.FromHours(16));
            Assert.Equal(first.InstanceId, (await web.RenewAsync()).InstanceId);
        }

        Assert.Equal([1, 2, 3, 4, 5, 6], mesh.Issuance.Records.Select(record => record.Generation));
        Assert.Equal(6, mesh.Issuance.Records.Select(record => X509Svid.Parse([record.Leaf]).SerialNumber).Distinct().Count());
    }

    [Fact]
    public async Task A_superseded_key_does_not_renew()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var stolen = web.Credential!;
        await web.RenewAsync();
        await web.RenewAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => web.RenewAsync(NewCsr(web.Id), stolen));

        Assert.Equal(MeshError.SupersededKey, refusal.Error);
    }

    [Fact]
    public async Task A_renewal_whose_answer_was_lost_gets_the_same_answer_again()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var csr = NewCsr(web.Id);
        var lost = await web.RenewAsync(csr, web.Credential!);

        var again = await web.RenewAsync(csr, web.Credential!);

        Assert.Equal(lost.Chain[0], again.Chain[0]);
    }

    [Fact]
    public async Task Two_renewals_of_one_instance_at_once_yield_one_certificate()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                await web.RenewAsync(NewCsr(web.Id), web.Credential!);
                return true;
            }
            catch (MeshException e) when (e.Error == MeshError.SupersededKey)
            {
                return false;
            }
        }));

        Assert.Single(outcomes, won => won);
    }

    [Fact]
    public async Task A_leaf_that_has_expired_still_renews_for_a_week()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();

        mesh.Clock.Advance(TimeSpan.FromDays(7));
        await web.RenewAsync();
        mesh.Clock.Advance(TimeSpan.FromDays(8) + TimeSpan.FromMinutes(1));

        var refusal = await Assert.ThrowsAsync<MeshException>(web.RenewAsync);
        Assert.Equal(MeshError.NotPermitted, refusal.Error);
    }

    [Fact]
    public async Task A_proof_by_another_key_and_a_leaf_of_nobody_are_refused()
    {
        await using var mesh = await MeshCluster.StartAsync();
        await using var stranger = await MeshCluster.StartAsync();
        var (web, voting, foreign) = (new TestWorkload(mesh, "web"), new TestWorkload(mesh, "voting"), new TestWorkload(stranger, "web"));
        await web.EnrollAsync();
        await voting.EnrollAsync();
        await foreign.EnrollAsync();
        var csr = NewCsr(web.Id);

        var byVoting = await Assert.ThrowsAsync<MeshException>(() => web.RenewAsync(csr, voting.Credential!));
        var byStranger = await Assert.ThrowsAsync<MeshException>(() => web.RenewAsync(csr, foreign.Credential!));

        Assert.Equal(MeshError.NotPermitted, byVoting.Error);
        Assert.Equal(MeshError.NotPermitted, byStranger.Error);
        Assert.Equal(2, mesh.Issuance.Records.Count);
    }

    [Fact]
    public async Task A_banned_identity_neither_renews_nor_enrolls()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var epoch = (await mesh.Trust.BanAsync(web.Id)).Epoch;

        var renewal = await Assert.ThrowsAsync<MeshException>(() => web.RenewAsync(NewCsr(web.Id), web.Credential!, epoch));
        var enrollment = await Assert.ThrowsAsync<MeshException>(web.EnrollAsync);

        Assert.Equal(MeshError.Revoked, renewal.Error);
        Assert.Equal(MeshError.Revoked, enrollment.Error);
    }

    [Fact]
    public async Task A_signer_behind_the_callers_epoch_refuses()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var epoch = (await mesh.BundleAsync()).Epoch;

        var refusal = await Assert.ThrowsAsync<MeshException>(() => web.RenewAsync(NewCsr(web.Id), web.Credential!, epoch + 1));

        Assert.Equal(MeshError.Stale, refusal.Error);
    }

    [Fact]
    public async Task Requests_that_come_together_are_recorded_together()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var workloads = Enumerable.Range(0, 64).Select(i => new TestWorkload(mesh, $"load-{i}")).ToList();
        await Task.WhenAll(workloads.Select(workload => workload.EnrollAsync()));

        Assert.Equal(64, mesh.Issuance.Records.Count);
        Assert.True(mesh.Issuance.Batches <= 64);
        Assert.Equal(64, mesh.Issuance.Records.Select(record => (record.Issuer, record.Shard, record.Index)).Distinct().Count());
    }

    [Fact]
    public async Task Renewals_that_come_together_are_judged_each_by_itself()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var workloads = Enumerable.Range(0, 9).Select(i => new TestWorkload(mesh, $"load-{i}")).ToList();
        await Task.WhenAll(workloads.Select(workload => workload.EnrollAsync()));
        var superseded = workloads[1].Credential!;
        await workloads[1].RenewAsync();
        await mesh.Trust.BanAsync(workloads[2].Id);
        var epoch = (await mesh.BundleAsync()).Epoch;
        var csr = NewCsr(workloads[3].Id);
        var given = await workloads[3].RenewAsync(csr, workloads[3].Credential!);

        var outcomes = await RenewAsync(
            mesh,
            workloads[0].Renewal(NewCsr(workloads[0].Id), workloads[0].Credential!),
            workloads[1].Renewal(NewCsr(workloads[1].Id), superseded),
            workloads[2].Renewal(NewCsr(workloads[2].Id), workloads[2].Credential!),
            workloads[3].Renewal(csr, workloads[3].Credential!),
            workloads[4].Renewal(NewCsr(workloads[5].Id), workloads[4].Credential!),
            workloads[5].Renewal(NewCsr(workloads[5].Id), workloads[4].Credential!),
            workloads[6].Renewal(NewCsr(workloads[6].Id), workloads[6].Credential!, epoch + 1_000_000),
            new SignRequest(workloads[7].Id, NewCsr(workloads[7].Id), new TokenEvidence(await workloads[7].TokenAsync()), 0),
            workloads[8].Renewal(NewCsr(workloads[8].Id), workloads[8].Credential!, epoch));

        Assert.Equal(
            [null, MeshError.SupersededKey, MeshError.Revoked, null, MeshError.InvalidRequest, MeshError.NotPermitted, MeshError.Stale, MeshError.InvalidRequest, null],
            outcomes.Select(outcome => outcome.Issued is null ? outcome.Error : (MeshError?)null));
        Assert.Equal(given.Chain[0], outcomes[3].Issued!.Chain[0]);
        Assert.All(outcomes, outcome => Assert.Equal(outcome.Issued is null, outcome.Detail.Length > 0));
        Assert.Equal([workloads[0].Id, workloads[8].Id], mesh.Issuance.Records.Skip(11).Select(record => record.Id).OrderBy(id => id.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_two_keys_that_one_instance_asks_for_together_one_is_certified()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var csr = NewCsr(web.Id);

        var outcomes = await RenewAsync(
            mesh, web.Renewal(csr, web.Credential!), web.Renewal(csr, web.Credential!), web.Renewal(NewCsr(web.Id), web.Credential!));

        Assert.Equal(outcomes[0].OrThrow().Chain[0], outcomes[1].OrThrow().Chain[0]);
        Assert.Equal(MeshError.SupersededKey, Assert.Throws<MeshException>(outcomes[2].OrThrow).Error);
        Assert.Equal(2, mesh.Issuance.Records.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(IRenewalGrain.MostAtOnce + 1)]
    public async Task No_more_renewals_than_there_may_be_are_looked_at(int count)
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        await web.EnrollAsync();
        var request = web.Renewal(NewCsr(web.Id), web.Credential!);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => RenewAsync(mesh, [.. Enumerable.Repeat(request, count)]));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Single(mesh.Issuance.Records);
    }

    private static async Task<IReadOnlyList<RenewalOutcome>> RenewAsync(MeshCluster mesh, params SignRequest[] requests) =>
        await mesh.Grains.GetGrain<IRenewalGrain>(IRenewalGrain.KeyOf(MeshCluster.TrustDomain.Name, 0)).RenewAsync([.. requests]);
}
