using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Issuers;

public class EnrollmentTests
{
    private static byte[] NewCsr(SpiffeId id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(id, key);
    }

    [Fact]
    public async Task A_token_yields_a_certificate_that_verifies_under_the_bundle_and_is_on_record()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");

        var issued = await web.EnrollAsync();

        var verdict = new SvidVerifier(mesh.Clock).Verify(issued.Chain, await mesh.BundleAsync(), web.Id);
        Assert.True(verdict.IsValid, verdict.Detail);
        Assert.Equal(issued.InstanceId, verdict.Svid!.InstanceId);
        Assert.Equal(issued.Chain[0], Assert.Single(mesh.Issuance.Records).Leaf);
        Assert.Equal(mesh.Clock.GetUtcNow() + TimeSpan.FromHours(24), issued.NotAfter);
    }

    [Fact]
    public async Task A_token_is_good_once_but_the_identical_request_gets_the_identical_answer()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var (csr, token) = (NewCsr(web.Id), await web.TokenAsync());
        var first = await web.EnrollAsync(csr, token);

        var repeat = await web.EnrollAsync(csr, token);
        var stolen = await Assert.ThrowsAsync<MeshException>(() => web.EnrollAsync(NewCsr(web.Id), token));

        Assert.Equal(first.Chain[0], repeat.Chain[0]);
        Assert.Equal(MeshError.TokenRejected, stolen.Error);
        Assert.Single(mesh.Issuance.Records);
    }

    [Fact]
    public async Task One_token_redeemed_by_many_at_once_yields_one_certificate()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var token = await web.TokenAsync();

        var tries = await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            try
            {
                await web.EnrollAsync(NewCsr(web.Id), token);
                return true;
            }
            catch (MeshException e) when (e.Error == MeshError.TokenRejected)
            {
                return false;
            }
        }));

        Assert.Single(tries, won => won);
        Assert.Single(mesh.Issuance.Records);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("forged")]
    [InlineData("of another workload")]
    [InlineData("of another trust domain")]
    public async Task A_token_that_does_not_hold_is_refused_and_nothing_is_issued(string what)
    {
        await using var mesh = await MeshCluster.StartAsync();
        await using var other = what == "of another trust domain" ? await MeshCluster.StartAsync() : null;
        var web = new TestWorkload(mesh, "web");
        var token = what switch
        {
            "of another workload" => await new TestWorkload(mesh, "voting").TokenAsync(),
            "of another trust domain" => await new TestWorkload(other!, "web").TokenAsync(),
            _ => await web.TokenAsync(),
        };
        if (what == "expired")
        {
            mesh.Clock.Advance(TimeSpan.FromHours(2));
        }

        if (what == "forged")
        {
            token = token[..^8] + (token[^8..] == "AAAAAAAA" ? "BBBBBBBB" : "AAAAAAAA");
        }

        var refusal = await Assert.ThrowsAsync<MeshException>(() => web.EnrollAsync(NewCsr(web.Id), token));

        Assert.Equal(MeshError.TokenRejected, refusal.Error);
        Assert.Empty(mesh.Issuance.Records);
    }

    [Fact]
    public async Task A_request_that_is_refused_leaves_the_token_unused()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var token = await web.TokenAsync();
        var foreign = NewCsr(SpiffeId.ForWorkload(MeshCluster.TrustDomain, "emojivoto", "voting"));

        var refusal = await Assert.ThrowsAsync<MeshException>(() => web.EnrollAsync(foreign, token));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.NotEmpty((await web.EnrollAsync(NewCsr(web.Id), token)).Chain);
    }

    [Fact]
    public async Task A_reenrollment_token_enrolls_a_new_instance_once()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var first = await web.EnrollAsync();

        var again = await web.EnrollAsync(NewCsr(web.Id), first.ReenrollmentToken!);

        Assert.NotEqual(first.InstanceId, again.InstanceId);
        await Assert.ThrowsAsync<MeshException>(() => web.EnrollAsync(NewCsr(web.Id), first.ReenrollmentToken!));
    }

    [Fact]
    public async Task Nothing_is_handed_out_while_the_store_is_down_and_everything_after()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var web = new TestWorkload(mesh, "web");
        var (csr, token) = (NewCsr(web.Id), await web.TokenAsync());
        mesh.Stores.Faults.IsDown = true;
        var refusal = await Assert.ThrowsAsync<MeshException>(() => web.EnrollAsync(csr, token));
        Assert.Equal(MeshError.NotReady, refusal.Error);

        mesh.Stores.Faults.IsDown = false;

        Assert.NotEmpty((await web.EnrollAsync(csr, token)).Chain);
        Assert.Single(mesh.Issuance.Records);
    }

    [Fact]
    public async Task A_control_plane_identity_is_not_for_the_workload_issuer()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var id = SpiffeId.ForProxyHost(MeshCluster.TrustDomain, "proxyhost-0");
        var token = await mesh.Trust.CreateJoinTokenAsync(id, TimeSpan.FromHours(1), [new Uri("https://127.0.0.1:8443")]);
        var request = new SignRequest(id, NewCsr(id), new TokenEvidence(token.Text), 0);

        var refusal = await Assert.ThrowsAsync<MeshException>(
            () => mesh.Grains.GetGrain<ISignerGrain>($"{MeshCluster.TrustDomain}/workload").SignAsync(request, CancellationToken.None));
        var issued = await mesh.Grains.GetGrain<ISignerGrain>($"{MeshCluster.TrustDomain}/control-plane").SignAsync(request, CancellationToken.None);

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.True(new SvidVerifier(mesh.Clock).Verify(issued.Chain, await mesh.BundleAsync(), id).IsValid);
    }
}
