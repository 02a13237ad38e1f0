using System.Net.Security;
using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Inbound;

/// <summary>Connections that are not the mesh's: passed as they are where policy says so, else refused, and counted with their reason.</summary>
public sealed class UnauthenticatedTests : IAsyncLifetime
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestApplication _application = TestApplication.Echo();
    private readonly TestProxy _proxy;

    public UnauthenticatedTests() => _proxy = new TestProxy(_east, new TestBundles(_east), detectTimeout: TimeSpan.FromMilliseconds(200));

    [Fact]
    public async Task Plaintext_passes_untouched_where_policy_admits_it()
    {
        var request = "GET / HTTP/1.1\r\nHost: voting\r\n\r\n"u8.ToArray();

        var received = await SayAsync(request, DefaultPolicy.AllUnauthenticated);

        Assert.True(received.EndedCleanly);
        Assert.Equal(request, received.Bytes);
        AssertCounted("disabled", "HTTP/1.1", opened: 1, refused: 0);
    }

    [Fact]
    public async Task Foreign_TLS_passes_untouched_where_policy_admits_it()
    {
        var hello = await ClientHellos.CaptureAsync("shop.example.com", SslApplicationProtocol.Http2);

        var received = await SayAsync(hello, DefaultPolicy.AllUnauthenticated);

        Assert.Equal(hello, received.Bytes);
        AssertCounted("opaque", "TLS", opened: 1, refused: 0);
        Assert.Equal("shop.example.com", _proxy.Edge.Key.ServerName);
    }

    [Fact]
    public async Task A_client_that_waits_for_the_server_to_speak_passes_after_a_while_where_policy_admits_it()
    {
        await using var application = new TestApplication(async socket =>
        {
            await TestApplication.SendAsync(socket, "220 ready\r\n"u8.ToArray());
            socket.Shutdown(SocketShutdown.Send);
            await Reception.ReadAsync(socket);
        });
        _proxy.MakeReady(_east.Credential(), DefaultPolicy.AllUnauthenticated);
        using var client = TestApplication.Connect(_proxy.ListenInbound(application.Address));

        Assert.Equal("220 ready\r\n"u8.ToArray(), (await Reception.ReadAsync(client)).Bytes);
        AssertCounted("disabled", "TCP", opened: 1, refused: 0);
    }

    [Theory]
    [InlineData(DefaultPolicy.ClusterAuthenticated)]
    [InlineData(DefaultPolicy.AllAuthenticated)]
    [InlineData(DefaultPolicy.Deny)]
    [InlineData(DefaultPolicy.Unspecified)]
    [InlineData((DefaultPolicy)99)]
    public async Task Plaintext_is_refused_by_every_other_policy(DefaultPolicy policy)
    {
        var received = await SayAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), policy);

        await AssertRefusedAsync(received, "disabled", "HTTP/1.1");
    }

    [Fact]
    public async Task Foreign_TLS_is_refused_by_the_default_policy() => await AssertRefusedAsync(
        await SayAsync(await ClientHellos.CaptureAsync("shop.example.com"), DefaultPolicy.ClusterAuthenticated), "opaque", "TLS");

    [Fact]
    public async Task A_client_that_says_nothing_is_refused_by_the_default_policy_when_its_time_is_up()
    {
        _proxy.MakeReady(_east.Credential());
        using var client = TestApplication.Connect(_proxy.ListenInbound(_application.Address));

        await AssertRefusedAsync(await Reception.ReadAsync(client), "disabled", "TCP");
    }

    [Fact]
    public async Task A_client_that_goes_before_it_says_anything_is_neither_passed_nor_counted()
    {
        _proxy.MakeReady(_east.Credential(), DefaultPolicy.AllUnauthenticated);
        var address = _proxy.ListenInbound(_application.Address);
        for (var i = 0; i < 10; i++)
        {
            (TestApplication.Connect(address)).Dispose();
        }

        // Connections are accepted in order: once this one is through, those before it have been.
        using var client = TestApplication.Connect(address);
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
        await Eventually.EqualAsync(1, () => _proxy.Open);
        Assert.Equal(1, _application.Accepted);
        AssertCounted("disabled", "TCP", opened: 1, refused: 0);
    }

    [Fact]
    public async Task A_workload_may_authenticate_where_policy_does_not_demand_it()
    {
        await using var pair = new ProxyPair(DefaultPolicy.AllUnauthenticated);
        using var client = TestApplication.Connect(pair.Connect(_application.Address));
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));

        Assert.Equal((pair.East.Web.ToString(), "true"), (pair.Voting.Edge.Key.PeerId, pair.Voting.Edge.Key.Tls));
    }

    [Fact]
    public async Task A_policy_that_denies_refuses_the_mesh_too()
    {
        await using var pair = new ProxyPair(DefaultPolicy.Deny);

        Assert.False((await Reception.OfAsync(pair.Connect(_application.Address))).EndedCleanly);
        await pair.Voting.Log.SaysAsync(5701, "policy", pair.East.Web.ToString(), "the policy admits nobody");
        Assert.Equal(0, _application.Accepted);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _application.DisposeAsync();
    }

    private async Task<Reception> SayAsync(byte[] said, DefaultPolicy policy)
    {
        _proxy.MakeReady(_east.Credential(), policy);
        using var client = TestApplication.Connect(_proxy.ListenInbound(_application.Address));
        await TestApplication.SendAsync(client, said);
        client.Shutdown(SocketShutdown.Send);
        return await Reception.ReadAsync(client);
    }

    private async Task AssertRefusedAsync(Reception received, string tls, string protocol)
    {
        Assert.False(received.EndedCleanly);
        Assert.Empty(received.Bytes);
        await _proxy.Log.SaysAsync(5701, "policy", "the policy admits");
        await Eventually.EqualAsync(0, () => _proxy.Open);
        Assert.Equal(1, _proxy.Refused("inbound", "policy"));
        Assert.Equal(0, _application.Accepted);
        AssertCounted(tls, protocol, opened: 0, refused: 1);
    }

    private void AssertCounted(string tls, string protocol, int opened, int refused)
    {
        var (key, now) = _proxy.Edge;
        Assert.Equal((EdgeKind.Ingress, "", tls, "no_tls_from_remote", protocol), (key.Kind, key.PeerId, key.Tls, key.NoTlsReason, key.Protocol));
        Assert.Equal((opened, refused), (now.Opened, now.Refused));
    }
}
