using System.Net;
using Mesh.Cli.Demo;
using Mesh.Cli.Network;

namespace Mesh.Cli.Tests.Demo;

/// <summary>What a demo with a host for each workload starts, and where.</summary>
public sealed class TransparentPlanTests
{
    private static readonly Dictionary<string, NetworkHost> Hosts = DemoPlan.Workloads.Index().ToDictionary(
        workload => workload.Item,
        workload => new NetworkHost($"ns-{workload.Item}", IPAddress.Parse($"198.18.0.{workload.Index + 2}"), IPAddress.Parse($"fd00::{workload.Index + 2}")));

    private static readonly TransparentPlan Plan = PlanWith();

    [Fact]
    public void Applications_know_each_others_addresses_and_nothing_of_a_proxy()
    {
        Assert.Equal(
            ["netns", "exec", "ns-web", "dotnet", "Demo.dll", "web", "--listen", "0.0.0.0:8080", "--emoji", "http://198.18.0.3:8080", "--voting", "http://198.18.0.4:8080", "--listen-tls", "0.0.0.0:8443", "--tls-name", "vote.emojivoto.example"],
            Words(Plan.Application("web")));
        Assert.Equal(["netns", "exec", "ns-emoji", "dotnet", "Demo.dll", "emoji", "--listen", "0.0.0.0:8080"], Words(Plan.Application("emoji")));
        Assert.Equal(
            ["netns", "exec", "ns-vote-bot", "dotnet", "Demo.dll", "vote-bot", "--web", "http://198.18.0.2:8080"], Words(Plan.Application("vote-bot")));
        Assert.Equal(
            [
                "netns", "exec", "ns-prometheus", "dotnet", "Demo.dll", "prometheus", "--targets",
                "http://198.18.0.2:4191/metrics,http://198.18.0.3:4191/metrics,http://198.18.0.4:4191/metrics,http://198.18.0.5:4191/metrics",
            ],
            Words(Plan.Application("prometheus")));
    }

    [Fact]
    public void Proxies_run_beside_them_as_another_user_whom_the_rules_exempt()
    {
        var words = Words(Plan.Proxy("web"));
        var preparations = Plan.Preparations.Select(command => string.Join(' ', command));

        Assert.Equal(["netns", "exec", "ns-web", "setpriv", "--pdeathsig", "TERM", "--reuid", "2102"], words.Take(8));
        Assert.Contains("--Proxy:Transparent:Enabled=true", words);
        Assert.Contains("--Proxy:Admin:Listen=198.18.0.2:4191", words);
        Assert.DoesNotContain(words, word => word.Contains(":Inbound:", StringComparison.Ordinal) || word.Contains(":Outbound:", StringComparison.Ordinal));
        Assert.Equal(DemoPlan.Workloads.Select(workload => $"ip netns exec ns-{workload} dotnet Proxy.dll init --proxy-uid 2102"), preparations);
    }

    [Fact]
    public void The_control_plane_stays_on_this_machine_and_its_ProxyHost_is_on_the_wire()
    {
        Assert.Equal("dotnet", Plan.Silo().Program);
        Assert.Equal("dotnet", Plan.ProxyHost().Program);
        Assert.Contains("--ProxyHost:Listen=198.18.0.1:8086", Plan.ProxyHost().Arguments);
        Assert.Equal("https://198.18.0.1:8086", Plan.ProxyHostUrl);
        Assert.Equal("http://198.18.0.2:8080/", Plan.PageUrl);
        Assert.Equal("198.18.0.2:8443", Plan.SecureEndpoint);
        Assert.Equal("http://198.18.0.5:4191/ready", Plan.ReadyUrl("vote-bot"));
    }

    [Fact]
    public void Services_are_where_their_applications_are() => Assert.Equal(
        [
            "web.emojivoto:80 198.18.0.2:8080", "emoji.emojivoto:8080 198.18.0.3:8080", "voting.emojivoto:8080 198.18.0.4:8080",
            "web-metrics.emojivoto:4191 198.18.0.2:4191", "emoji-metrics.emojivoto:4191 198.18.0.3:4191",
            "voting-metrics.emojivoto:4191 198.18.0.4:4191", "vote-bot-metrics.emojivoto:4191 198.18.0.5:4191",
        ],
        Plan.Services().Select(service => $"{service.Service} {service.Endpoint}"));

    [Fact]
    public void What_the_user_sets_comes_last_and_so_wins() =>
        Assert.Equal("--Proxy:Transparent:Outbound:0=127.0.0.1:5140", PlanWith("Proxy:Transparent:Outbound:0=127.0.0.1:5140").Proxy("web").Arguments[^1]);

    private static TransparentPlan PlanWith(params string[] settings)
    {
        var read = DemoSettings.Parse(settings);
        return new TransparentPlan(project => $"{project}.dll", new DemoPorts(null, read), read, "/nowhere", IPAddress.Parse("198.18.0.1"), Hosts);
    }

    private static IReadOnlyList<string> Words(ChildPlan plan)
    {
        Assert.Equal("ip", plan.Program);
        return plan.Arguments;
    }
}
