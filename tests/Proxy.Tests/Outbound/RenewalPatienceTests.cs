using System.Net.Sockets;
using Mesh.Proxy.Outbound;
using Mesh.Proxy.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Outbound;

/// <summary>An issuer was revoked, and the next certificates are on their way: new connections wait for them, and not for long.</summary>
public sealed class RenewalPatienceTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new();
    private readonly TestCertificate _successor;

    public RenewalPatienceTests() => _successor = _pair.East.Issuer("CN=east.example workload issuer 2");

    [Fact]
    public async Task A_connection_waits_for_this_workloads_next_certificate_and_carries_each_byte_once()
    {
        await using var application = TestApplication.Echo();
        var address = _pair.Connect(application.Address);
        _pair.Voting.Identity.Use(Successor(_pair.VotingId));
        Revoke(_pair.Web, _pair.Voting);

        using var client = TestApplication.Connect(address);
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        client.Shutdown(SocketShutdown.Send);
        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(0, application.Accepted);
        _pair.Web.Identity.Use(Successor(_pair.East.Web));

        Assert.Equal("hello"u8.ToArray(), (await Reception.ReadAsync(client)).Bytes);
        Assert.Equal(1, application.Accepted);
        Assert.Empty(_pair.Web.Refusals.Snapshot());
        Assert.Empty(_pair.Voting.Refusals.Snapshot());
    }

    [Fact]
    public async Task A_connection_tries_again_while_the_peers_certificate_is_being_replaced()
    {
        await using var application = TestApplication.Echo();
        var address = _pair.Connect(application.Address);
        _pair.Web.Identity.Use(Successor(_pair.East.Web));
        Revoke(_pair.Web, _pair.Voting);

        using var client = TestApplication.Connect(address);
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        client.Shutdown(SocketShutdown.Send);
        // A first try has come, and was given up by this side; then the peer is certified anew.
        await Eventually.EqualAsync(true, () => _pair.Voting.Refused("inbound", "handshake") > 0);
        Assert.Equal(0, application.Accepted);
        _pair.Voting.Identity.Use(Successor(_pair.VotingId));

        Assert.Equal("hello"u8.ToArray(), (await Reception.ReadAsync(client)).Bytes);
        Assert.Empty(_pair.Web.Refusals.Snapshot());
    }

    [Fact]
    public async Task Where_no_certificate_comes_the_connection_is_refused_once_and_within_a_second_or_so()
    {
        var heard = 0;
        await using var application = new TestApplication(async socket => Interlocked.Add(ref heard, (await Reception.ReadAsync(socket)).Bytes.Length));
        var address = _pair.Connect(application.Address);
        _pair.Web.Identity.Use(Successor(_pair.East.Web));
        Revoke(_pair.Web, _pair.Voting);
        var began = TimeProvider.System.GetTimestamp();

        var received = await Reception.OfAsync(address, "hello"u8.ToArray());

        Assert.False(received.EndedCleanly);
        Assert.Equal(1, _pair.Web.Refused("outbound", nameof(SvidRejection.Revoked)));
        Assert.Equal(0, heard);
        // Waiting ends after a second; the last handshake may take its time on a busy machine, and is limited to ten.
        Assert.True(TimeProvider.System.GetElapsedTime(began) < RenewalPatience.Most + TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_ban_is_not_waited_out()
    {
        await using var application = TestApplication.Echo();
        var address = _pair.Connect(application.Address);
        _pair.Web.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.VotingId, TestTrustDomain.Now.AddYears(1))] });

        await Reception.OfAsync(address, "hello"u8.ToArray());

        Assert.Equal(1, _pair.Web.Refused("outbound", nameof(SvidRejection.Banned)));
        Assert.InRange(application.Accepted, 0, 1);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _pair.DisposeAsync();

    private SvidCredential Successor(SpiffeId id)
    {
        var leaf = _pair.East.Leaf(id, issuer: _successor);
        return SvidCredential.Create(TestTrustDomain.Der(leaf, _successor), leaf.Key);
    }

    private void Revoke(params TestProxy[] proxies) =>
        proxies.ToList().ForEach(proxy => proxy.Publish(bundle => ImpostureCase.Revoke(bundle, _pair.East.WorkloadIssuer, "stolen")));
}
