using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Traffic;

/// <summary>Two real proxies under a real control plane: what an application sees, and what an operator does.</summary>
public class MeshedTrafficTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    [Fact]
    public async Task An_edge_shows_both_identities_and_grows_with_the_traffic()
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, "edge");

        Assert.Equal("hello", await PlainClient.TryEchoAsync(pair.Entrance, "hello"));
        var first = await EdgeAsync(pair, atLeast: 1);
        Assert.Equal("hello again", await PlainClient.TryEchoAsync(pair.Entrance, "hello again"));
        var second = await EdgeAsync(pair, atLeast: 2);

        Assert.Equal(("application", "true", "TLSv1.3"), (first.Kind, first.Tls, first.Protocol));
        Assert.Equal((uint)pair.Application.Port, first.Port);
        Assert.True(second.BytesSent > first.BytesSent && second.BytesReceived > first.BytesReceived, $"{first} {second}");
    }

    [Fact]
    public async Task One_side_may_be_done_while_the_other_still_speaks()
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, "half");
        using var client = await PlainClient.ConnectAsync(pair.Entrance);
        await client.SendAsync("first and last words");
        client.Finish();

        Assert.Equal("first and last words", await client.ReceiveToEndAsync());
    }

    [Fact]
    public async Task A_server_of_another_identity_than_discovery_named_is_refused_with_a_reason_and_a_counter()
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, "wrong");
        await Mesh.SetServiceAsync(pair.Service, pair.Server.Inbound, Mesh.IdOf("somebody-else"));
        await pair.Client.Process.SaysAsync($"Service {pair.Service}, version ", times: 2);

        Assert.Null(await PlainClient.TryEchoAsync(pair.Entrance, "secret words"));

        Assert.Empty(pair.Application.Heard);
        await pair.Client.Process.SaysAsync("expected spiffe://mesh.example/ns/shop/sa/somebody-else");
        // The server sees a name in the SNI that is not its own: TLS that is not for it, from somebody without identity.
        Assert.Contains("""mesh_proxy_refused_total{direction="inbound",reason="policy"} 1""", await pair.Server.MetricsAsync(), StringComparison.Ordinal);
        Assert.Contains("""mesh_proxy_refused_total{direction="outbound",reason="handshake"} 1""", await pair.Client.MetricsAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster-authenticated", false)]
    [InlineData("all-unauthenticated", true)]
    [InlineData("deny", false)]
    public async Task A_client_without_identity_comes_in_only_where_policy_says_so(string mode, bool comesIn)
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, $"plain-{mode}");
        await Mesh.SetPolicyAsync(pair.Server.Id.ServiceAccount!, mode);
        await pair.Server.Process.SaysAsync($"Policy {mode.Replace("-", "", StringComparison.Ordinal)}", times: 1, ignoreCase: true);

        var answer = await PlainClient.TryEchoAsync(pair.Server.Inbound, "GET / HTTP/1.1\r\n\r\n");

        Assert.Equal(comesIn, answer is not null);
        Assert.Equal(comesIn, pair.Application.Heard.Length > 0);
    }

    [Fact]
    public async Task Sigterm_lets_open_connections_end_and_takes_no_new_ones()
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, "drain");
        using var open = await PlainClient.ConnectAsync(pair.Entrance);
        await open.SendAsync("before");
        Assert.Equal("before", await open.ReceiveAsync(6));

        pair.Client.Process.Signal(TestProcess.SigTerm);
        await pair.Client.Process.SaysAsync("Stopping: 1 connections are open");
        await open.SendAsync("after");
        var after = await open.ReceiveAsync(5);
        open.Finish();

        Assert.Equal("after", after);
        Assert.Equal(0, await pair.Client.Process.ExitedAsync(TimeSpan.FromSeconds(10)));
        Assert.Null(await PlainClient.TryEchoAsync(pair.Entrance, "too late"));
    }

    private Task<Mesh.Admin.V1.Edge> EdgeAsync(MeshedPair pair, ulong atLeast) => Eventually.UntilAsync(
        async () => (await Mesh.Admin.ListEdgesAsync(new Mesh.Admin.V1.ListEdgesRequest { Namespace = MeshUnderTest.Namespace })).Edges
            .SingleOrDefault(edge => edge.Source == pair.Client.Id.ToString() && edge.Destination == pair.Server.Id.ToString())!,
        // As the accepting side saw it: until it has reported, the opening side's word stands for both.
        edge => edge?.Connections >= atLeast && edge.Open == 0 && edge.Port == pair.Application.Port,
        $"the edge has {atLeast} connections");
}
