using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Inbound;

/// <summary>On an opaque port a silent client is waited for only briefly, where it would be let in; where it would not, a late hello is still heard.</summary>
public sealed class OpaquePatienceTests
{
    // Longer than the patience with silent clients; both are far shorter than that with a hello.
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(DefaultPolicy.AllUnauthenticated, true)]
    [InlineData(DefaultPolicy.ClusterAuthenticated, false)]
    [InlineData(DefaultPolicy.AllAuthenticated, false)]
    public async Task A_silent_client_reaches_a_server_that_speaks_first_at_once_only_where_it_would_be_let_in(DefaultPolicy policy, bool isLetIn)
    {
        await using var pair = new ProxyPair(policy);
        await using var application = new TestApplication(async socket =>
        {
            await TestApplication.SendAsync(socket, "220 ready"u8.ToArray());
            await Reception.ReadAsync(socket);
        });
        var ports = new PortRanges { Ranges = { new PortRange { First = (uint)application.Address.Port, Last = (uint)application.Address.Port } } };
        pair.Voting.Identity.Use(new WorkloadPolicy { Version = 2, DefaultPolicy = policy, OpaquePorts = ports });
        using var client = TestApplication.Connect(pair.Voting.ListenInbound(application.Address));

        Assert.Equal(isLetIn, client.Poll(isLetIn ? AtMost : Late, SelectMode.SelectRead));

        Assert.Equal(isLetIn ? 1 : 0, application.Accepted);
        Assert.Equal(0, pair.Voting.Refused("inbound", "policy"));
    }
}
