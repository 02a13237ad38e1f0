using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Grains.Tests.Support;

namespace Mesh.Grains.Tests.Policies;

public class OpaquePortsTests
{
    [Fact]
    public async Task Ranges_are_kept_in_order_and_without_overlaps_and_a_restart_keeps_them()
    {
        var stores = new MeshStores();
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            await PolicyOf(mesh).SetDefaultAsync("db", DefaultPolicyMode.Deny);
            var set = await PolicyOf(mesh).SetOpaquePortsAsync("db", [new(9000, 9100), new(25, 25), new(9050, 9200), new(9201, 9201)]);

            Assert.Equal([new(25, 25), new(9000, 9201)], set.OpaquePortsOf("db")!.Value);
            Assert.Null(set.OpaquePortsOf("web"));
        }

        await using var restarted = await MeshCluster.StartAsync(stores, createTrustDomain: false);
        var kept = await PolicyOf(restarted).GetAsync();
        Assert.Equal([new(25, 25), new(9000, 9201)], kept.OpaquePortsOf("db")!.Value);
        Assert.Equal(DefaultPolicyMode.Deny, kept.ModeOf("db"));
        Assert.Equal([new(25, 25), new(9000, 9201)], (await PolicyOf(restarted).SetDefaultAsync("db", DefaultPolicyMode.AllAuthenticated)).OpaquePortsOf("db")!.Value);
    }

    [Fact]
    public async Task No_ports_are_another_thing_than_the_proxys_own_list_and_each_change_is_another_version()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var policy = PolicyOf(mesh);
        var none = await policy.SetOpaquePortsAsync("db", ImmutableArray<PortRange>.Empty);
        Assert.Empty(none.OpaquePortsOf("db")!.Value);
        Assert.Equal(none.Version, (await policy.SetOpaquePortsAsync("db", ImmutableArray<PortRange>.Empty)).Version);

        var own = await policy.SetOpaquePortsAsync("db", null);

        Assert.Null(own.OpaquePortsOf("db"));
        Assert.True(own.Version > none.Version);
        Assert.Equal(own.Version, (await policy.SetOpaquePortsAsync("db", null)).Version);
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(10, 9)]
    [InlineData(1, 65536)]
    public async Task What_is_no_range_of_ports_is_refused_by_name(int first, int last)
    {
        await using var mesh = await MeshCluster.StartAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => PolicyOf(mesh).SetOpaquePortsAsync("db", [new(first, last)]));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Contains($"{first}-{last}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_ranges_and_what_names_no_workload_are_refused()
    {
        await using var mesh = await MeshCluster.StartAsync();

        var many = await Assert.ThrowsAsync<MeshException>(
            () => PolicyOf(mesh).SetOpaquePortsAsync("db", [.. Enumerable.Range(1, 65).Select(port => new PortRange(10 * port, 10 * port))]));
        var nobody = await Assert.ThrowsAsync<MeshException>(() => PolicyOf(mesh).SetOpaquePortsAsync("d b", [new(25, 25)]));

        Assert.Equal((MeshError.InvalidRequest, MeshError.InvalidRequest), (many.Error, nobody.Error));
    }

    [Fact]
    public async Task A_workload_that_is_forgotten_leaves_no_opaque_ports_behind()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var registry = mesh.Grains.GetGrain<IWorkloadRegistryGrain>(MeshCluster.TrustDomain.Name);
        await registry.RegisterAsync([new WorkloadRegistration("shop", "db", null, null)]);
        await PolicyOf(mesh).SetOpaquePortsAsync("db", [new(25, 25)]);

        Assert.True(await registry.UnregisterAsync("shop", "db"));

        Assert.Null((await PolicyOf(mesh).GetAsync()).OpaquePortsOf("db"));
    }

    private static IPolicyGrain PolicyOf(MeshCluster mesh) => mesh.Grains.GetGrain<IPolicyGrain>("shop");
}
