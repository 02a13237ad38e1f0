using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>The process dies at each of a command's writes in turn, before and after it was stored; another starts on what is there.</summary>
public class CrashTests
{
    [Theory]
    [InlineData("revoke the workload issuer")]
    [InlineData("revoke the control-plane issuer")]
    [InlineData("ban")]
    [InlineData("revoke the anchor")]
    [InlineData("rotate the workload issuer")]
    [InlineData("start an anchor rotation")]
    [InlineData("activate the anchor")]
    [InlineData("abort the anchor rotation")]
    public async Task A_trust_command_is_wholly_done_or_wholly_undone(string command)
    {
        for (var (write, crashed) = (1, true); crashed; write++)
        {
            crashed = false;
            foreach (var afterCommit in new[] { false, true })
            {
                crashed |= await CrashInTrustCommandAsync(command, write, afterCommit);
            }

            Assert.True(write < 20, "The command never ends.");
        }
    }

    [Theory]
    [InlineData("policy")]
    [InlineData("service")]
    public async Task Configuration_is_as_it_was_or_as_it_was_set(string what)
    {
        for (var (write, crashed) = (1, true); crashed; write++)
        {
            crashed = false;
            foreach (var afterCommit in new[] { false, true })
            {
                crashed |= await CrashInConfigurationAsync(what, write, afterCommit);
            }
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task An_enrollment_that_died_is_completed_by_the_identical_request_and_issues_once(int write, bool afterCommit)
    {
        var stores = new MeshStores();
        byte[] csr;
        string token;
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            var web = new TestWorkload(mesh, "web");
            // The issuer has reconciled before the crash is planned, so that the writes are the enrollment's own.
            await new TestWorkload(mesh, "warm-up").EnrollAsync();
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            (csr, token) = (CertificateRequestBuilder.CreateCsr(web.Id, key), await web.TokenAsync());
            stores.Faults.CrashAt(write, afterCommit);
            await Assert.ThrowsAnyAsync<Exception>(() => web.EnrollAsync(csr, token));
            Assert.True(stores.Faults.HasCrashed);
        }

        stores.Faults.Restart();
        await using var restarted = await MeshCluster.StartAsync(stores);

        var issued = await new TestWorkload(restarted, "web").EnrollAsync(csr, token);

        var record = Assert.Single(stores.Issuance.Records, record => record.Id == new TestWorkload(restarted, "web").Id);
        Assert.Equal(record.Leaf, issued.Chain[0]);
    }

    private static async Task<bool> CrashInTrustCommandAsync(string command, int write, bool afterCommit)
    {
        var stores = new MeshStores();
        TrustSnapshot beforeSnapshot;
        TrustBundle before;
        KeyHash subject;
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            await new TestWorkload(mesh, "warm-up").EnrollAsync();
            if (command is "activate the anchor" or "abort the anchor rotation")
            {
                await mesh.Trust.StartAnchorRotationAsync();
            }

            beforeSnapshot = await mesh.Trust.GetBundleAsync();
            before = SignedBundle.Parse(beforeSnapshot.SignedBundle).Bundle;
            var status = await mesh.Trust.GetStatusAsync();
            subject = command == "revoke the anchor"
                ? status.Anchors.Single(anchor => anchor.Stage == "active").KeyHash
                : status.Issuers.First(issuer => command.Contains(issuer.Purpose, StringComparison.Ordinal) || !command.Contains("issuer", StringComparison.Ordinal)).KeyHash;
            stores.Faults.CrashAt(write, afterCommit);
            var run = command switch
            {
                "ban" => mesh.Trust.BanAsync(new TestWorkload(mesh, "web").Id),
                "revoke the anchor" => mesh.Trust.RevokeAnchorAsync(subject, "drill"),
                "rotate the workload issuer" => mesh.Trust.RotateIssuerAsync("workload"),
                "start an anchor rotation" => mesh.Trust.StartAnchorRotationAsync(),
                "activate the anchor" => mesh.Trust.ActivateAnchorAsync(),
                "abort the anchor rotation" => mesh.Trust.AbortAnchorRotationAsync(),
                _ => mesh.Trust.RevokeIssuerAsync(subject, "drill"),
            };
            await Record.ExceptionAsync(() => run);
            // What the command has set going behind its answer must be over too: the issuer looks again when nudged.
            await Record.ExceptionAsync(() => mesh.Grains.GetGrain<IIssuerGrain>($"{MeshCluster.TrustDomain}/workload").GetActiveAsync(before.Epoch + 1));
            await Record.ExceptionAsync(() => mesh.Grains.GetGrain<IIssuerGrain>($"{MeshCluster.TrustDomain}/control-plane").GetActiveAsync(before.Epoch + 1));
        }

        stores.Faults.Restart();
        await using var restarted = await MeshCluster.StartAsync(stores);

        var after = await restarted.BundleAsync();
        var isDone = after.Sequence == before.Sequence + 1;
        Assert.True(isDone || after.Sequence == before.Sequence, $"{command}, write {write}: sequence {after.Sequence - before.Sequence} ahead.");
        var anchors = after.Anchors.Select(anchor => anchor.Stage).ToList();
        var trust = await restarted.Trust.GetStatusAsync();
        Assert.Equal(isDone, command switch
        {
            "ban" => after.Bans.Count == 1,
            "rotate the workload issuer" => trust.Issuers.Any(issuer => issuer.KeyHash == subject && issuer.Stage == "retiring"),
            "start an anchor rotation" => anchors.Contains(AnchorStage.Prepared) && trust.Issuers.Count(issuer => issuer.Stage == "prepared") == 2,
            "activate the anchor" => anchors.Contains(AnchorStage.Retiring) && trust.Issuers.Count(issuer => issuer.Stage == "retiring") == 2,
            "abort the anchor rotation" => !anchors.Contains(AnchorStage.Prepared) && trust.Issuers.All(issuer => issuer.Stage == "active"),
            _ => after.Revocations.Any(revocation => revocation.KeyHash == subject),
        });
        // One sequence, one content: the very text that was handed out before.
        Assert.True(isDone || await restarted.Trust.GetBundleAsync() == beforeSnapshot);
        // Whichever it is, what signs is what the bundle admits.
        var active = await restarted.Grains.GetGrain<IIssuerGrain>($"{MeshCluster.TrustDomain}/{(command.Contains("control", StringComparison.Ordinal) ? "control-plane" : "workload")}")
            .GetActiveAsync(after.Epoch);
        Assert.DoesNotContain(after.Revocations, revocation => revocation.KeyHash == active.KeyHash);
        var issued = await new TestWorkload(restarted, "shop").EnrollAsync();
        Assert.True(new SvidVerifier(restarted.Clock).Verify(issued.Chain, after).IsValid);
        return stores.Faults.HasCrashed;
    }

    private static async Task<bool> CrashInConfigurationAsync(string what, int write, bool afterCommit)
    {
        var stores = new MeshStores();
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            stores.Faults.CrashAt(write, afterCommit);
            await Record.ExceptionAsync(() => what == "policy"
                ? mesh.Grains.GetGrain<IPolicyGrain>("shop").SetDefaultAsync("web", DefaultPolicyMode.Deny)
                : mesh.Grains.GetGrain<IServiceGrain>("web.shop:80").SetAsync([new ServiceEndpoint("127.0.0.1:80", null)]));
        }

        stores.Faults.Restart();
        await using var restarted = await MeshCluster.StartAsync(stores);

        var isStored = stores.Faults.HasCrashed ? afterCommit : true;
        if (what == "policy")
        {
            var policy = await restarted.Grains.GetGrain<IPolicyGrain>("shop").GetAsync();
            Assert.Equal(isStored ? (true, DefaultPolicyMode.Deny) : (false, DefaultPolicyMode.ClusterAuthenticated), (policy.Version > 1, policy.ModeOf("web")));
        }
        else
        {
            var service = await restarted.Grains.GetGrain<IServiceGrain>("web.shop:80").GetAsync();
            Assert.Equal(isStored ? (true, 1) : (false, 0), (service.Version > 0, service.Endpoints.Length));
        }

        return stores.Faults.HasCrashed;
    }
}
