using System.Net;
using Mesh.Proxy.Interception;

namespace Mesh.Proxy.Tests.Interception;

/// <summary>The ruleset to the letter. What it does to real connections is in <c>EndToEnd.Tests</c>.</summary>
public sealed class RedirectRulesTests
{
    [Fact]
    public void With_nothing_skipped_all_is_redirected_but_loopback_and_the_proxys_own() => AssertIs(
        """
        table inet mesh_orleans
        delete table inet mesh_orleans
        table inet mesh_orleans {
            chain outbound {
                type nat hook output priority -100; policy accept;
                meta l4proto != tcp accept
                ip daddr 127.0.0.0/8 accept comment "loopback"
                ip6 daddr ::1 accept comment "loopback"
                meta skuid 2102 oifname != "lo" accept comment "the proxy to others"
                meta skuid 2102 ip saddr 127.0.0.0/8 accept comment "the proxy to its application"
                meta skuid 2102 ip6 saddr ::1 accept comment "the proxy to its application"
                meta skuid 2102 tcp dport { 4140, 4143, 4191 } accept comment "as from outside"
                meta skuid 2102 meta l4proto tcp redirect to :4143 comment "the application to itself, by its service"
                oifname "lo" accept comment "inside the pod"
                meta l4proto tcp redirect to :4140
            }

            chain inbound {
                type nat hook prerouting priority -100; policy accept;
                meta l4proto != tcp accept
                iifname "lo" accept comment "inside the pod"
                fib daddr type != local accept comment "on its way through"
                tcp dport { 4140, 4143, 4191 } accept comment "the proxy's own, and skip-inbound-ports"
                meta l4proto tcp redirect to :4143
            }
        }

        """,
        RedirectRules.Write(new RedirectOptions(2102)));

    [Fact]
    public void What_is_skipped_stands_before_what_is_redirected() => AssertIs(
        """
        table inet mesh_orleans
        delete table inet mesh_orleans
        table inet mesh_orleans {
            chain outbound {
                type nat hook output priority -100; policy accept;
                meta l4proto != tcp accept
                ip daddr 127.0.0.0/8 accept comment "loopback"
                ip6 daddr ::1 accept comment "loopback"
                meta skuid 7 oifname != "lo" accept comment "the proxy to others"
                meta skuid 7 ip saddr 127.0.0.0/8 accept comment "the proxy to its application"
                meta skuid 7 ip6 saddr ::1 accept comment "the proxy to its application"
                meta skuid 7 tcp dport { 22, 5140, 5143, 5191, 9100-9110 } accept comment "as from outside"
                meta skuid 7 meta l4proto tcp redirect to :5143 comment "the application to itself, by its service"
                oifname "lo" accept comment "inside the pod"
                ip daddr { 10.96.0.0/12, 192.0.2.1/32 } accept comment "skip-subnets"
                ip6 daddr { fd00:10::/32 } accept comment "skip-subnets"
                tcp dport { 25 } accept comment "skip-outbound-ports"
                meta l4proto tcp redirect to :5140
            }

            chain inbound {
                type nat hook prerouting priority -100; policy accept;
                meta l4proto != tcp accept
                iifname "lo" accept comment "inside the pod"
                fib daddr type != local accept comment "on its way through"
                ip saddr { 10.96.0.0/12, 192.0.2.1/32 } accept comment "skip-subnets"
                ip6 saddr { fd00:10::/32 } accept comment "skip-subnets"
                tcp dport { 22, 5140, 5143, 5191, 9100-9110 } accept comment "the proxy's own, and skip-inbound-ports"
                meta l4proto tcp redirect to :5143
            }
        }

        """,
        RedirectRules.Write(new RedirectOptions(7)
        {
            OutboundPort = 5140,
            InboundPort = 5143,
            AdminPort = 5191,
            SkipInboundPorts = NumberRanges.Of([(9100, 9110), (22, 22)]),
            SkipOutboundPorts = NumberRanges.Of(25),
            SkipSubnets = [IPNetwork.Parse("10.96.0.0/12"), IPNetwork.Parse("fd00:10::/32"), IPNetwork.Parse("192.0.2.1/32")],
        }));

    [Fact]
    public void Undo_takes_the_whole_table_away_whether_or_not_it_is_there() =>
        AssertIs("table inet mesh_orleans\ndelete table inet mesh_orleans\n", RedirectRules.Undo());

    private static void AssertIs(string expected, string ruleset) => Assert.Equal(expected, ruleset.Replace("\t", "    ", StringComparison.Ordinal));
}
