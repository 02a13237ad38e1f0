using System.Net;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Two proxies of one trust domain: <c>web</c> calls, <c>voting</c> answers for an application behind it.</summary>
internal sealed class ProxyPair : IAsyncDisposable
{
    /// <param name="policy">Voting's.</param>
    /// <param name="maxIdle">How many connections web keeps for the next stream; 0: it speaks of none.</param>
    public ProxyPair(DefaultPolicy policy = DefaultPolicy.ClusterAuthenticated, int maxIdle = 8)
    {
        var bundles = new TestBundles(East);
        Web = new TestProxy(East, bundles, maxIdle: maxIdle).MakeReady(East.Credential(East.Web));
        Voting = new TestProxy(East, bundles).MakeReady(East.Credential(VotingId), policy);
    }

    public TestTrustDomain East { get; } = new("east.example");

    public SpiffeId VotingId => SpiffeId.ForWorkload(East.Name, "shop", "voting");

    public TestProxy Web { get; }

    public TestProxy Voting { get; }

    /// <summary>Where web's application connects to reach the one behind voting.</summary>
    /// <param name="application">The application behind voting.</param>
    /// <param name="between">Stands between the proxies: takes voting's address, gives the one that web connects to.</param>
    public IPEndPoint Connect(IPEndPoint application, Func<IPEndPoint, IPEndPoint>? between = null)
    {
        var inbound = Voting.ListenInbound(application);
        return Web.ListenOutbound((between?.Invoke(inbound) ?? inbound, VotingId));
    }

    public async ValueTask DisposeAsync()
    {
        await Web.DisposeAsync();
        await Voting.DisposeAsync();
    }
}
