using System.Collections.Immutable;
using System.Globalization;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.Workloads;

namespace Mesh.Grains.Tests.Workloads;

public class WorkloadRegistryTests
{
    private static readonly WorkloadRegistration Web = new("shop", "web", DefaultPolicyMode.AllUnauthenticated, "pages");
    private static readonly WorkloadRegistration Bank = new("money", "bank", DefaultPolicyMode.Deny, null);

    [Fact]
    public async Task What_is_registered_is_listed_by_name_with_its_policy_in_force()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = RegistryOf(mesh);

        var outcomes = await registry.RegisterAsync([Web, Bank]);

        Assert.Equal([RegistrationOutcome.Created, RegistrationOutcome.Created], outcomes);
        Assert.Equal(["money/bank", "shop/web"], (await registry.ListAsync("", "", 10)).Select(workload => workload.Name));
        Assert.Equal(["shop/web"], (await registry.ListAsync("shop", "", 10)).Select(workload => workload.Name));
        Assert.Equal(["shop/web"], (await registry.ListAsync("", "money/bank", 10)).Select(workload => workload.Name));
        Assert.Equal(new RegisteredWorkload("shop", "web", "pages", mesh.Clock.GetUtcNow()), await registry.FindAsync("shop", "web"));
        Assert.Equal(DefaultPolicyMode.AllUnauthenticated, await PolicyAsync(mesh, "shop", "web"));
        Assert.Equal(DefaultPolicyMode.Deny, await PolicyAsync(mesh, "money", "bank"));
    }

    [Fact]
    public async Task The_same_again_changes_nothing_and_writes_nothing()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = RegistryOf(mesh);
        await registry.RegisterAsync([Web, Bank]);
        var writes = mesh.Stores.Faults.Writes;
        mesh.Clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal([RegistrationOutcome.Unchanged, RegistrationOutcome.Unchanged], await registry.RegisterAsync([Web, Bank]));
        Assert.Equal([RegistrationOutcome.Unchanged], await registry.RegisterAsync([new WorkloadRegistration("shop", "web", null, null)]));

        Assert.Equal(writes, mesh.Stores.Faults.Writes);
    }

    [Fact]
    public async Task Another_description_or_policy_updates_and_keeps_the_rest()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = RegistryOf(mesh);
        await registry.RegisterAsync([Web]);
        var since = mesh.Clock.GetUtcNow();
        mesh.Clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal([RegistrationOutcome.Updated], await registry.RegisterAsync([Web with { DefaultPolicy = null, Description = "the shop's pages" }]));
        Assert.Equal([RegistrationOutcome.Updated], await registry.RegisterAsync([Web with { DefaultPolicy = DefaultPolicyMode.Deny, Description = null }]));

        Assert.Equal(new RegisteredWorkload("shop", "web", "the shop's pages", since), await registry.FindAsync("shop", "web"));
        Assert.Equal(DefaultPolicyMode.Deny, await PolicyAsync(mesh, "shop", "web"));
    }

    [Fact]
    public async Task One_mistake_in_a_batch_and_nothing_of_it_is_registered_and_all_mistakes_are_named()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = RegistryOf(mesh);

        var refusal = await Assert.ThrowsAsync<MeshException>(() => registry.RegisterAsync(
            [Web, Bank with { ServiceAccount = "ba nk" }, Web, Bank with { Description = "one\ntwo" }, Bank with { ServiceAccount = "x", DefaultPolicy = (DefaultPolicyMode)9 }]));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Collection(
            refusal.Message.Split('\n'),
            line => Assert.StartsWith("'money/ba nk' names no workload:", line, StringComparison.Ordinal),
            line => Assert.Equal("'shop/web' is named twice.", line),
            line => Assert.StartsWith("'money/bank': a description is one line", line, StringComparison.Ordinal),
            line => Assert.Equal("'money/x': 9 is not a default policy.", line));
        Assert.Empty(await registry.ListAsync("", "", 10));
        Assert.Equal(DefaultPolicyMode.ClusterAuthenticated, await PolicyAsync(mesh, "shop", "web"));
    }

    [Fact]
    public async Task More_than_ten_thousand_are_refused_as_a_whole()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = RegistryOf(mesh);
        foreach (var batch in Enumerable.Range(0, RegistrationPlan.MaxWorkloads - 1).Select(Numbered).Chunk(RegistrationPlan.MaxBatch))
        {
            await registry.RegisterAsync([.. batch]);
        }

        var refusal = await Assert.ThrowsAsync<MeshException>(() => registry.RegisterAsync([Web, Bank]));

        Assert.Equal(MeshError.LimitReached, refusal.Error);
        Assert.Contains("at most 10000 registered workloads; 9999 are there", refusal.Message, StringComparison.Ordinal);
        Assert.Null(await registry.FindAsync("shop", "web"));
        Assert.Equal([RegistrationOutcome.Created], await registry.RegisterAsync([Web]));
        var tooMany = await Assert.ThrowsAsync<MeshException>(() => registry.RegisterAsync([.. Enumerable.Range(0, 1_001).Select(Numbered)]));
        Assert.Equal(MeshError.InvalidRequest, tooMany.Error);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task A_crash_at_any_write_leaves_all_of_a_batch_or_nothing_once_the_registry_is_up_again(int write, bool afterCommit)
    {
        var stores = new MeshStores();
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            stores.Faults.CrashAt(write, afterCommit);
            await Assert.ThrowsAnyAsync<Exception>(() => RegistryOf(mesh).RegisterAsync([Web, Bank]));
            Assert.True(stores.Faults.HasCrashed);
        }

        stores.Faults.Restart();
        await using var restarted = await MeshCluster.StartAsync(stores, createTrustDomain: false);
        var isThere = write > 1 || afterCommit;

        Assert.Equal(isThere ? 2 : 0, (await RegistryOf(restarted).ListAsync("", "", 10)).Length);
        await Eventually.TrueAsync(
            async () => (await PolicyAsync(restarted, "shop", "web"), await PolicyAsync(restarted, "money", "bank"))
                == (isThere ? (DefaultPolicyMode.AllUnauthenticated, DefaultPolicyMode.Deny) : (DefaultPolicyMode.ClusterAuthenticated, DefaultPolicyMode.ClusterAuthenticated)),
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_workload_that_is_forgotten_leaves_no_policy_behind()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = RegistryOf(mesh);
        await registry.RegisterAsync([Web, Bank]);

        Assert.True(await registry.UnregisterAsync("shop", "web"));

        Assert.False(await registry.UnregisterAsync("shop", "web"));
        Assert.Equal(["money/bank"], (await registry.ListAsync("", "", 10)).Select(workload => workload.Name));
        Assert.Equal(DefaultPolicyMode.ClusterAuthenticated, await PolicyAsync(mesh, "shop", "web"));
        Assert.Equal(DefaultPolicyMode.Deny, await PolicyAsync(mesh, "money", "bank"));
    }

    private static WorkloadRegistration Numbered(int i) => new("load", string.Create(CultureInfo.InvariantCulture, $"w-{i}"), null, null);

    private static IWorkloadRegistryGrain RegistryOf(MeshCluster mesh) => mesh.Grains.GetGrain<IWorkloadRegistryGrain>(MeshCluster.TrustDomain.Name);

    private static async Task<DefaultPolicyMode> PolicyAsync(MeshCluster mesh, string ns, string account) =>
        (await mesh.Grains.GetGrain<IPolicyGrain>(ns).GetAsync()).ModeOf(account);
}
