using Mesh.Proxy.Tests.Support;
using static Mesh.Proxy.Tests.Support.RedirectLab;

namespace Mesh.Proxy.Tests.Interception;

/// <summary>Rules that are written again, and taken away.</summary>
public sealed class RedirectChangeTests
{
    [Fact]
    public async Task A_second_run_leaves_the_same_and_undo_leaves_nothing_however_often()
    {
        await using var lab = await RedirectLab.StartAsync();
        await lab.InitAsync(0, "--proxy-uid", $"{ProxyUid}", "--skip-inbound-ports", "1-100");
        var once = await lab.RulesetAsync();
        await lab.InitAsync(0, "--proxy-uid", $"{ProxyUid}", "--skip-inbound-ports", "1-100");
        Assert.Equal(once, await lab.RulesetAsync());
        Assert.Contains("table inet mesh_orleans", once, StringComparison.Ordinal);

        await lab.InitAsync(0, "--undo");
        Assert.Equal("", await lab.RulesetAsync());
        await lab.InitAsync(0, "--undo");
        Assert.Equal("", await lab.RulesetAsync());
        Assert.Equal(new Arrival("peer", null), await ConnectAsync(lab.Pod, lab.Peer.Address, AppPort));
    }

    [Fact]
    public async Task Somebody_elses_rules_stay_and_a_user_who_may_not_is_told_what_is_missing()
    {
        await using var lab = await RedirectLab.StartAsync();
        await RunAsync(lab.Pod, "nft", "add", "table", "inet", "another");
        var before = await lab.RulesetAsync();
        var said = await lab.InitAsync(1, ["--undo"], uid: 1000);
        Assert.Contains("Run it as root, or with CAP_NET_ADMIN", said, StringComparison.Ordinal);
        Assert.Equal(before, await lab.RulesetAsync());

        await lab.InitAsync(0, "--undo");
        Assert.Equal("table inet another {\n}", await lab.RulesetAsync());
    }
}
