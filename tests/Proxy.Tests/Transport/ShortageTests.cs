using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>A proxy that is out of descriptors says so, and blames nobody else for it. <see cref="ShortageRunTests"/> runs these, in a process of their own.</summary>
public sealed class ShortageTests : IAsyncLifetime
{
    private readonly TestProxy _proxy;
    private readonly TestApplication _application = TestApplication.Echo();

    public ShortageTests()
    {
        var east = new TestTrustDomain("east.example");
        _proxy = new TestProxy(east, new TestBundles(east), loops: 1).MakeReady(east.Credential());
    }

    [Fact(Explicit = true)]
    public async Task Where_none_is_left_to_accept_with_newcomers_wait_and_it_is_counted_and_logged_once()
    {
        var address = await ListenAsync();
        using var client = NewSocket();
        using (new DescriptorShortage())
        {
            client.Connect(address);
            await Eventually.EqualAsync(1, () => _proxy.Refused("outbound", "shortage"));
        }

        await EchoClient.SayAsync(client);
        Assert.Contains("cannot accept connections", Assert.Single(_proxy.Log.Of(5003)), StringComparison.Ordinal);
    }

    [Fact(Explicit = true)]
    public async Task Where_none_is_left_to_connect_with_the_endpoint_is_not_set_aside_for_it()
    {
        var address = await ListenAsync();
        using var one = NewSocket();
        using var two = NewSocket();
        using (var shortage = new DescriptorShortage())
        {
            // It is taken by what is accepted; none is left for the endpoint.
            shortage.FreeOne();
            one.Connect(address);
            await Eventually.EqualAsync(1, () => _proxy.Refused("outbound", "shortage"));
            two.Connect(address);
            await Eventually.EqualAsync(2, () => _proxy.Refused("outbound", "shortage"));
        }

        using var client = TestApplication.Connect(address);
        await EchoClient.SayAsync(client);
        Assert.Equal(0, _proxy.Refused("outbound", "connect") + _proxy.Refused("outbound", "fail_fast"));
        Assert.Contains(_application.Address.ToString(), Assert.Single(_proxy.Log.Of(5003)), StringComparison.Ordinal);

        _proxy.Clock.Advance(TimeSpan.FromMinutes(1));
        _proxy.TroublesOf("outbound").Short("later");
        Assert.Equal(2, _proxy.Log.Of(5003).Count());
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _application.DisposeAsync();
    }

    private static Socket NewSocket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    // What the first connection has loaded and opened is there by then.
    private async Task<IPEndPoint> ListenAsync()
    {
        var address = _proxy.ListenOutbound((_application.Address, null));
        using var client = TestApplication.Connect(address);
        await EchoClient.SayAsync(client);
        await EchoClient.EndAsync(client);
        await Eventually.EqualAsync(0, () => _proxy.Open);
        return address;
    }
}
