using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>A bundle that revokes or bans ends what is open already.</summary>
public sealed class LiveConnectionTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new();
    private readonly TestApplication _application = TestApplication.Echo();

    [Fact]
    public async Task A_ban_ends_the_banned_clients_connection_where_it_came_in()
    {
        using var client = await OpenAsync();

        _pair.Voting.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.East.Web, TestTrustDomain.Now)] });

        await AssertEndedAsync(client, _pair.Voting, "inbound", SvidRejection.Banned, "is banned");
    }

    [Fact]
    public async Task A_ban_ends_the_connection_to_a_banned_server()
    {
        using var client = await OpenAsync();

        _pair.Web.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.VotingId, TestTrustDomain.Now)] });

        await AssertEndedAsync(client, _pair.Web, "outbound", SvidRejection.Banned, "is banned");
    }

    [Theory]
    [InlineData("inbound")]
    [InlineData("outbound")]
    public async Task A_revoked_issuer_ends_what_it_vouched_for(string direction)
    {
        using var client = await OpenAsync();
        var proxy = direction == "inbound" ? _pair.Voting : _pair.Web;

        proxy.Publish(bundle => ImpostureCase.Revoke(bundle, _pair.East.WorkloadIssuer, "issuer stolen"));

        await AssertEndedAsync(client, proxy, direction, SvidRejection.Revoked, "issuer stolen");
    }

    [Fact]
    public async Task A_bundle_that_says_nothing_of_the_peer_ends_nothing()
    {
        using var client = await OpenAsync();

        _pair.Voting.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.VotingId, TestTrustDomain.Now)] });
        _pair.Web.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.East.Web, TestTrustDomain.Now)] });

        await EchoClient.SayAsync(client);
        Assert.Empty(_pair.Voting.Log.Of(5601));
    }

    [Fact]
    public async Task A_leaf_that_has_expired_meanwhile_does_not_end_its_connection()
    {
        // The proxies' clock stands at the leaf's last minute when the connection begins.
        var leaf = _pair.East.Leaf(_pair.East.Web, spec => spec.NotAfter = TestTrustDomain.Now.AddMinutes(1));
        _pair.Web.Identity.Use(SvidCredential.Create(TestTrustDomain.Der(leaf, _pair.East.WorkloadIssuer), leaf.Key));
        using var client = await OpenAsync();

        _pair.Voting.Clock.Advance(TimeSpan.FromMinutes(5));
        _pair.Voting.Publish(bundle => bundle);

        await EchoClient.SayAsync(client);
    }

    [Fact]
    public void A_bundle_that_came_between_handshake_and_registration_ends_the_connection_too()
    {
        var chain = TestTrustDomain.Der(_pair.East.Leaf(_pair.East.Web), _pair.East.WorkloadIssuer);
        Assert.True(_pair.Voting.Identity.Verify(chain).IsValid);
        _pair.Voting.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.East.Web, TestTrustDomain.Now)] });
        var ended = 0;

        using var registration = _pair.Voting.Live.Add("inbound", chain, () => ended++);

        Assert.Equal(1, ended);
        Assert.Equal(1, _pair.Voting.Refused("inbound", nameof(SvidRejection.Banned)));
    }

    [Fact]
    public void A_connection_that_has_ended_is_judged_no_more()
    {
        var ended = 0;
        _pair.Voting.Live.Add("inbound", TestTrustDomain.Der(_pair.East.Leaf(_pair.East.Web), _pair.East.WorkloadIssuer), () => ended++).Dispose();

        _pair.Voting.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.East.Web, TestTrustDomain.Now)] });

        Assert.Equal(0, ended);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _application.DisposeAsync();
    }

    private async Task<Socket> OpenAsync()
    {
        var client = TestApplication.Connect(_pair.Connect(_application.Address));
        await EchoClient.SayAsync(client);
        return client;
    }

    private static async Task AssertEndedAsync(Socket client, TestProxy proxy, string direction, SvidRejection reason, string says)
    {
        Assert.False((await Reception.ReadAsync(client)).EndedCleanly);
        await proxy.Log.SaysAsync(5601, direction, says);
        Assert.Equal(1, proxy.Refused(direction, reason.ToString()));
        await Eventually.EqualAsync((1, 1, 0), () => ((int)proxy.Edge.Now.Closed, (int)proxy.Edge.Now.Failed, proxy.Open));
    }
}
