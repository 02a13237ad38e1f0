using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Services;

public class ServiceCatalogTests
{
    private const string Voting = "voting.shop:8080";
    private const string Emoji = "emoji.shop:8080";

    private static readonly SpiffeId VotingId = SpiffeId.ForWorkload(MeshCluster.TrustDomain, "shop", "voting");
    private static readonly SpiffeId EmojiId = SpiffeId.ForWorkload(MeshCluster.TrustDomain, "shop", "emoji");

    [Fact]
    public async Task An_address_of_a_service_resolves_to_it_at_its_own_port_alone()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var set = await SetAsync(mesh, Voting, ["10.96.0.7", "fd00::7"], ("10.0.0.1:8080", VotingId));

        Assert.Equal((Voting, set.Version, 1), Service(await ResolveAsync(mesh, "10.96.0.7:8080")));
        Assert.Equal((Voting, set.Version, 1), Service(await ResolveAsync(mesh, "[::ffff:10.96.0.7]:8080")));
        Assert.Equal((Voting, set.Version, 1), Service(await ResolveAsync(mesh, "[fd00:0::7]:8080")));
        Assert.Equal(new ResolvedAddress(null, null), await ResolveAsync(mesh, "10.96.0.7:80"));
        Assert.Equal(new ResolvedAddress(null, null), await ResolveAsync(mesh, "10.96.0.8:8080"));
    }

    [Fact]
    public async Task An_endpoints_address_resolves_to_that_endpoint_with_its_identity()
    {
        await using var mesh = await MeshCluster.StartAsync();
        await SetAsync(mesh, Voting, [], ("10.0.0.1:4143", VotingId), ("[::ffff:10.0.0.2]:80", null));

        Assert.Equal(new ResolvedEndpoint(Voting, new ServiceEndpoint("10.0.0.1:4143", VotingId)), (await ResolveAsync(mesh, "10.0.0.1:4143")).Endpoint);
        Assert.Equal(new ResolvedEndpoint(Voting, new ServiceEndpoint("[::ffff:10.0.0.2]:80", null)), (await ResolveAsync(mesh, "10.0.0.2:80")).Endpoint);
        Assert.Null((await ResolveAsync(mesh, "10.0.0.1:8080")).Endpoint);
    }

    [Fact]
    public async Task Of_several_services_with_one_endpoint_the_one_that_was_set_last_says_who_is_there()
    {
        await using var mesh = await MeshCluster.StartAsync();
        await SetAsync(mesh, Voting, [], ("10.0.0.1:8080", VotingId));
        mesh.Clock.Advance(TimeSpan.FromSeconds(1));
        await SetAsync(mesh, Emoji, [], ("10.0.0.1:8080", EmojiId));
        Assert.Equal(EmojiId, (await ResolveAsync(mesh, "10.0.0.1:8080")).Endpoint!.Endpoint.Identity);

        await SetAsync(mesh, Emoji, []);

        Assert.Equal(new ResolvedEndpoint(Voting, new ServiceEndpoint("10.0.0.1:8080", VotingId)), (await ResolveAsync(mesh, "10.0.0.1:8080")).Endpoint);
    }

    [Fact]
    public async Task A_service_that_is_its_own_endpoint_is_the_service()
    {
        await using var mesh = await MeshCluster.StartAsync();
        await SetAsync(mesh, Voting, ["10.0.0.1"], ("10.0.0.1:8080", VotingId));

        Assert.Equal(Voting, (await ResolveAsync(mesh, "10.0.0.1:8080")).Service!.Name);
    }

    [Fact]
    public async Task Two_services_cannot_have_one_address_and_the_refusal_names_both_and_changes_nothing()
    {
        await using var mesh = await MeshCluster.StartAsync();
        await SetAsync(mesh, Voting, ["10.96.0.7"], ("10.0.0.1:8080", VotingId));

        await AssertConflictAsync(
            () => SetAsync(mesh, Emoji, ["10.96.0.7"]), "10.96.0.7:8080 is an address of voting.shop:8080, and cannot be an address of emoji.shop:8080.");
        await AssertConflictAsync(
            () => SetAsync(mesh, Emoji, [], ("10.96.0.7:8080", null)), "10.96.0.7:8080 is an address of voting.shop:8080, and cannot be an endpoint of emoji.shop:8080.");
        await AssertConflictAsync(
            () => SetAsync(mesh, Emoji, ["10.0.0.1"]), "10.0.0.1:8080 is an endpoint of voting.shop:8080, and cannot be an address of emoji.shop:8080.");

        Assert.Equal([Voting], await Catalog(mesh).ListAsync());
        await SetAsync(mesh, "voting.shop:80", ["10.96.0.7"]);
        await SetAsync(mesh, Voting, []);
        await SetAsync(mesh, Emoji, ["10.96.0.7"]);
        Assert.Equal(Emoji, (await ResolveAsync(mesh, "10.96.0.7:8080")).Service!.Name);
        Assert.Equal("voting.shop:80", (await ResolveAsync(mesh, "10.96.0.7:80")).Service!.Name);
    }

    [Fact]
    public async Task What_is_the_same_writes_nothing_and_another_address_is_another_version()
    {
        await using var mesh = await MeshCluster.StartAsync();
        var first = await SetAsync(mesh, Voting, ["10.96.0.7", "::ffff:10.96.0.7"]);
        var writes = mesh.Stores.Faults.Writes;

        Assert.Equal(first.Version, (await SetAsync(mesh, Voting, ["10.96.0.7"])).Version);
        Assert.Equal(writes, mesh.Stores.Faults.Writes);

        Assert.True((await SetAsync(mesh, Voting, ["10.96.0.8"])).Version > first.Version);
        Assert.Null((await ResolveAsync(mesh, "10.96.0.7:8080")).Service);
    }

    [Theory]
    [InlineData("10.1")]
    [InlineData("10.96.0.7:8080")]
    [InlineData("voting.local")]
    [InlineData("fe80::1%1")]
    [InlineData("0.0.0.0")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("")]
    public async Task What_is_no_address_of_a_service_is_refused_by_name_and_nothing_is_listed(string address)
    {
        await using var mesh = await MeshCluster.StartAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => SetAsync(mesh, Voting, [address]));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Contains($"'{address}'", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await Catalog(mesh).ListAsync());
    }

    [Fact]
    public async Task More_addresses_than_sixteen_are_refused_and_so_is_what_is_none_to_resolve()
    {
        await using var mesh = await MeshCluster.StartAsync();

        var many = await Assert.ThrowsAsync<MeshException>(() => SetAsync(mesh, Voting, [.. Enumerable.Range(1, 17).Select(i => $"10.96.0.{i}")]));
        var none = await Assert.ThrowsAsync<MeshException>(() => ResolveAsync(mesh, "10.96.0.7"));

        Assert.Equal((MeshError.LimitReached, MeshError.InvalidRequest), (many.Error, none.Error));
    }

    [Fact]
    public async Task After_a_restart_addresses_are_known_from_the_services_also_those_that_were_set_without_the_catalog()
    {
        var stores = new MeshStores();
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            await SetAsync(mesh, Voting, ["10.96.0.7"]);
            await Catalog(mesh).AddAsync(Emoji);
            await mesh.Grains.GetGrain<IServiceGrain>(Emoji).SetAsync([new ServiceEndpoint("10.0.0.2:8080", EmojiId)]);
        }

        await using var restarted = await MeshCluster.StartAsync(stores, createTrustDomain: false);

        Assert.Equal(Voting, (await ResolveAsync(restarted, "10.96.0.7:8080")).Service!.Name);
        Assert.Equal(EmojiId, (await ResolveAsync(restarted, "10.0.0.2:8080")).Endpoint!.Endpoint.Identity);
        await AssertConflictAsync(() => SetAsync(restarted, Emoji, ["10.96.0.7"]), "10.96.0.7:8080 is an address of voting.shop:8080");
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task A_crash_at_either_write_leaves_the_address_nobodys_or_the_services(int write, bool afterCommit)
    {
        var stores = new MeshStores();
        await using (var mesh = await MeshCluster.StartAsync(stores))
        {
            stores.Faults.CrashAt(write, afterCommit);
            await Assert.ThrowsAnyAsync<Exception>(() => SetAsync(mesh, Voting, ["10.96.0.7"], ("10.0.0.1:8080", VotingId)));
            Assert.True(stores.Faults.HasCrashed);
            // Whether or not the process has noticed that it is dying.
            stores.Faults.Restart();
            await AssertAsync(mesh);
        }

        await using var restarted = await MeshCluster.StartAsync(stores, createTrustDomain: false);
        await AssertAsync(restarted);
        // Nothing that was half done stands in anybody's way.
        if (write < 2 || !afterCommit)
        {
            await SetAsync(restarted, Emoji, ["10.96.0.7"], ("10.0.0.1:8080", EmojiId));
            Assert.Equal(Emoji, (await ResolveAsync(restarted, "10.96.0.7:8080")).Service!.Name);
        }

        async Task AssertAsync(MeshCluster mesh)
        {
            var isSet = write == 2 && afterCommit;
            Assert.Equal(isSet ? Voting : null, (await ResolveAsync(mesh, "10.96.0.7:8080")).Service?.Name);
            Assert.Equal(isSet ? VotingId : null, (await ResolveAsync(mesh, "10.0.0.1:8080")).Endpoint?.Endpoint.Identity);
        }
    }

    [Fact]
    public async Task Of_two_that_want_an_address_at_once_one_has_it()
    {
        await using var mesh = await MeshCluster.StartAsync(silos: 2);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            try
            {
                return (await SetAsync(mesh, $"s-{i}.shop:80", ["10.96.0.7"])).Name;
            }
            catch (MeshException refusal) when (refusal.Error == MeshError.Conflict)
            {
                return null;
            }
        }));

        var holder = Assert.Single(outcomes, name => name is not null);
        Assert.Equal(holder, (await ResolveAsync(mesh, "10.96.0.7:80")).Service!.Name);
    }

    private static IServiceCatalogGrain Catalog(MeshCluster mesh) => mesh.Grains.GetGrain<IServiceCatalogGrain>(MeshCluster.TrustDomain.Name);

    private static Task<ServiceSnapshot> SetAsync(
        MeshCluster mesh, string service, ImmutableArray<string> addresses, params (string Address, SpiffeId? Id)[] endpoints) => Catalog(mesh)
        .SetAsync(service, new ServiceDefinition([.. endpoints.Select(endpoint => new ServiceEndpoint(endpoint.Address, endpoint.Id))], addresses));

    private static Task<ResolvedAddress> ResolveAsync(MeshCluster mesh, string address) =>
        mesh.Grains.GetGrain<IAddressFeed>(MeshCluster.TrustDomain.Name).ResolveAsync(address);

    private static (string, long, int) Service(ResolvedAddress resolved) =>
        (resolved.Service!.Name, resolved.Service.Version, resolved.Service.Endpoints.Length);

    private static async Task AssertConflictAsync(Func<Task> set, string message)
    {
        var refusal = await Assert.ThrowsAsync<MeshException>(set);
        Assert.Equal(MeshError.Conflict, refusal.Error);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
