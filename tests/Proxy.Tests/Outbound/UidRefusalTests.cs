using Mesh.Proxy.Interception;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Outbound;

/// <summary>Who connects to an explicit outbound listener speaks with the workload's identity: not everybody on this machine may.</summary>
public sealed class UidRefusalTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new();
    private readonly TestApplication _application = TestApplication.Echo();

    [Fact]
    public async Task A_user_who_is_not_listed_is_refused_with_a_line_and_a_count()
    {
        _pair.Web.Uids = NumberRanges.Of(4_000_000_001u);

        Assert.False((await Reception.OfAsync(_pair.Connect(_application.Address), "hello"u8.ToArray())).EndedCleanly);

        await _pair.Web.Log.SaysAsync(5804, "who may not speak for this workload");
        Assert.Equal(1, _pair.Web.Refused("outbound", "uid"));
        Assert.Equal(0, _application.Accepted);
    }

    [Fact]
    public async Task This_process_own_user_is_admitted_where_none_is_listed()
    {
        using var client = TestApplication.Connect(_pair.Connect(_application.Address));

        await TestApplication.SendAsync(client, "hello"u8.ToArray());

        Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _application.DisposeAsync();
    }
}
