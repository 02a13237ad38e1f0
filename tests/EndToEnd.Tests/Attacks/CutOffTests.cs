using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Proxies that hear nothing from the control plane any more: how long they go on, and that they come back unaided.</summary>
public class CutOffTests
{
    private static readonly TimeSpan Leaf = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    [Fact(Explicit = true)]
    public async Task Without_a_lease_they_go_on_until_the_certificate_has_ended_with_the_tolerance_for_clocks()
    {
        await using var mesh = await MeshUnderTest.StartAsync($"--Leaf:Lifetime={Leaf}");
        await using var pair = await MeshedPair.StartAsync(mesh, "leaf");
        using var open = await PlainClient.ConnectAsync(pair.Entrance);
        await SayAsync(open);

        var since = TimeProvider.System.GetTimestamp();
        await mesh.ProxyHost.KillAsync();
        Assert.Equal("hello", await PlainClient.TryEchoAsync(pair.Entrance, "hello"));
        await RefusedAsync(pair.Entrance);

        // Renewed at 65 to 75 % of its life, it had at least a quarter left.
        Assert.InRange(TimeProvider.System.GetElapsedTime(since), (Leaf * 0.25) + SvidProfile.ClockSkew - TimeSpan.FromSeconds(1), Leaf + SvidProfile.ClockSkew + TimeSpan.FromSeconds(5));
        // What was open before is none the worse for it.
        await SayAsync(open);
        await ComesBackAsync(mesh, pair);
    }

    [Fact(Explicit = true)]
    public async Task With_a_lease_they_end_with_it_open_connections_too()
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        await using var pair = await MeshedPair.StartAsync(mesh, "lease", isNative: false, $"--Proxy:TrustLease={Lease}");
        using var open = await PlainClient.ConnectAsync(pair.Entrance);
        await SayAsync(open);

        var since = TimeProvider.System.GetTimestamp();
        await mesh.ProxyHost.KillAsync();
        Assert.Equal("hello", await PlainClient.TryEchoAsync(pair.Entrance, "hello"));
        await RefusedAsync(pair.Entrance);

        Assert.InRange(TimeProvider.System.GetElapsedTime(since), TimeSpan.FromSeconds(1), Lease + TimeSpan.FromSeconds(3));
        await Eventually.TrueAsync(async () => await EndedAsync(open), "the connection that was open is ended");
        Assert.False(await Http.IsReadyAsync(pair.Server.Admin));
        var metrics = await pair.Server.MetricsAsync();
        Assert.Contains("\nmesh_proxy_trust_lease_left_seconds 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("mesh_proxy_refused_total{direction=\"inbound\",reason=\"lease\"}", metrics, StringComparison.Ordinal);
        await ComesBackAsync(mesh, pair);
        Assert.True(await Http.IsReadyAsync(pair.Server.Admin));
    }

    private static async Task ComesBackAsync(MeshUnderTest mesh, MeshedPair pair)
    {
        await mesh.StartProxyHostAsync();
        await Eventually.TrueAsync(async () => await PlainClient.TryEchoAsync(pair.Entrance, "again") == "again", "traffic is back, with nobody's help");
    }

    private static Task RefusedAsync(string entrance) =>
        Eventually.TrueAsync(async () => await PlainClient.TryEchoAsync(entrance, "still") is null, "new connections are refused");

    private static async Task SayAsync(PlainClient client)
    {
        await client.SendAsync("hello");
        Assert.Equal("hello", await client.ReceiveAsync(5));
    }

    private static async Task<bool> EndedAsync(PlainClient client)
    {
        try
        {
            await SayAsync(client);
            return false;
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or EndOfStreamException)
        {
            return true;
        }
    }
}
