using System.Net.Sockets;
using System.Text;

namespace Mesh.Proxy.Interception;

/// <summary>The nftables rules that lead a network namespace's TCP through its proxy, as one transaction for <c>nft -f</c>.</summary>
/// <remarks>
/// A connection of the proxy to an address of its own pod is one that the application has made to itself by the name of its service: it has
/// left through the outbound listener and must come in through the inbound one, where it is authenticated as any other. The inbound side, for
/// its part, reaches the application at that same address. The two are told apart by the source: the inbound side binds the end that it
/// connects from to loopback (127.0.0.1 or ::1). So nothing on the way asks for a privilege or a mark, and what an application binds to
/// loopback alone stays its own.
/// </remarks>
internal static class RedirectRules
{
    public const string Table = "mesh_orleans";

    // The table is added, empty, if it is not there, so that it can be deleted in any case: twice is the same as once.
    private const string Gone = $"table inet {Table}\ndelete table inet {Table}\n";

    /// <summary>Takes every rule away again.</summary>
    public static string Undo() => Gone;

    public static string Write(RedirectOptions options)
    {
        var rules = new StringBuilder(Gone);
        rules.Append($"table inet {Table} {{\n");
        WriteOutbound(rules, options);
        rules.Append('\n');
        WriteInbound(rules, options);
        return rules.Append("}\n").ToString();
    }

    private static void WriteOutbound(StringBuilder rules, RedirectOptions options)
    {
        rules.Append("\tchain outbound {\n\t\ttype nat hook output priority -100; policy accept;\n");
        Add(rules, "meta l4proto != tcp accept");
        Add(rules, "ip daddr 127.0.0.0/8 accept comment \"loopback\"");
        Add(rules, "ip6 daddr ::1 accept comment \"loopback\"");
        Add(rules, $"meta skuid {options.ProxyUid} oifname != \"lo\" accept comment \"the proxy to others\"");
        Add(rules, $"meta skuid {options.ProxyUid} ip saddr 127.0.0.0/8 accept comment \"the proxy to its application\"");
        Add(rules, $"meta skuid {options.ProxyUid} ip6 saddr ::1 accept comment \"the proxy to its application\"");
        Add(rules, $"meta skuid {options.ProxyUid} tcp dport {{ {ReachedAsTheyAre(options)} }} accept comment \"as from outside\"");
        Add(rules, $"meta skuid {options.ProxyUid} meta l4proto tcp redirect to :{options.InboundPort} comment \"the application to itself, by its service\"");
        Add(rules, "oifname \"lo\" accept comment \"inside the pod\"");
        AddSubnets(rules, options, "daddr");
        if (options.SkipOutboundPorts.Ranges.Count > 0)
        {
            Add(rules, $"tcp dport {{ {options.SkipOutboundPorts} }} accept comment \"skip-outbound-ports\"");
        }

        Add(rules, $"meta l4proto tcp redirect to :{options.OutboundPort}");
        rules.Append("\t}\n");
    }

    private static void WriteInbound(StringBuilder rules, RedirectOptions options)
    {
        rules.Append("\tchain inbound {\n\t\ttype nat hook prerouting priority -100; policy accept;\n");
        Add(rules, "meta l4proto != tcp accept");
        Add(rules, "iifname \"lo\" accept comment \"inside the pod\"");
        Add(rules, "fib daddr type != local accept comment \"on its way through\"");
        AddSubnets(rules, options, "saddr");
        Add(rules, $"tcp dport {{ {ReachedAsTheyAre(options)} }} accept comment \"the proxy's own, and skip-inbound-ports\"");
        Add(rules, $"meta l4proto tcp redirect to :{options.InboundPort}");
        rules.Append("\t}\n");
    }

    private static void AddSubnets(StringBuilder rules, RedirectOptions options, string end)
    {
        foreach (var (family, word) in new[] { (AddressFamily.InterNetwork, "ip"), (AddressFamily.InterNetworkV6, "ip6") })
        {
            var subnets = string.Join(", ", options.SkipSubnets.Where(subnet => subnet.BaseAddress.AddressFamily == family));
            if (subnets.Length > 0)
            {
                Add(rules, $"{word} {end} {{ {subnets} }} accept comment \"skip-subnets\"");
            }
        }
    }

    private static NumberRanges ReachedAsTheyAre(RedirectOptions options) => NumberRanges.Of(
        options.SkipInboundPorts.Ranges.Concat(new[] { options.OutboundPort, options.InboundPort, options.AdminPort }.Select(port => ((uint)port, (uint)port))));

    private static void Add(StringBuilder rules, string rule) => rules.Append("\t\t").Append(rule).Append('\n');
}
