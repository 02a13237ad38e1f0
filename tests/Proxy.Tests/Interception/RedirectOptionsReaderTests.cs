using System.Net;
using Mesh.Proxy.Interception;

namespace Mesh.Proxy.Tests.Interception;

public sealed class RedirectOptionsReaderTests
{
    [Fact]
    public void The_user_is_enough_and_the_rest_has_its_default()
    {
        var request = Read("--proxy-uid", "2102");

        Assert.False(request.IsDryRun);
        Assert.Equal((2102u, 4140, 4143, 4191), (request.Redirect!.ProxyUid, request.Redirect.OutboundPort, request.Redirect.InboundPort, request.Redirect.AdminPort));
        Assert.Empty(request.Redirect.SkipInboundPorts.Ranges);
        Assert.Empty(request.Redirect.SkipOutboundPorts.Ranges);
        Assert.Empty(request.Redirect.SkipSubnets);
    }

    [Fact]
    public void A_value_follows_its_option_or_an_equals_sign()
    {
        var request = Read(
            "--proxy-uid=1", "--outbound-port", "5140", "--inbound-port=5143", "--admin-port", "5191", "--skip-inbound-ports", "9100-9110,22,9105-9200",
            "--skip-outbound-ports=25", "--skip-subnets", "10.0.0.0/8,10.1.0.0/16,fd00::/8,10.0.0.0/8", "--dry-run");

        var redirect = request.Redirect!;
        Assert.True(request.IsDryRun);
        Assert.Equal((1u, 5140, 5143, 5191), (redirect.ProxyUid, redirect.OutboundPort, redirect.InboundPort, redirect.AdminPort));
        Assert.Equal(("22, 9100-9200", "25"), (redirect.SkipInboundPorts.ToString(), redirect.SkipOutboundPorts.ToString()));
        Assert.Equal([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")], redirect.SkipSubnets);
    }

    [Fact]
    public void Undo_needs_nothing_and_goes_with_nothing_but_a_dry_run()
    {
        Assert.Equal(new InitRequest(null, IsDryRun: false), Read("--undo"));
        Assert.Equal(new InitRequest(null, IsDryRun: true), Read("--undo", "--dry-run"));
        Assert.Equal(
            ["--undo takes everything away, and so does not go with --proxy-uid, --admin-port."], Mistakes("--undo", "--proxy-uid", "1", "--admin-port", "1"));
    }

    [Fact]
    public void Every_mistake_is_named_at_once() => Assert.Equal(
        [
            "'--skip-ports=1' is not an option. Proxy init has: --proxy-uid, --outbound-port, --inbound-port, --admin-port, --skip-inbound-ports, "
                + "--skip-outbound-ports, --skip-subnets, --dry-run, --undo, --help.",
            "--dry-run takes no value.",
            "--admin-port has no value.",
            "--inbound-port is there twice.",
            "--proxy-uid is missing: name the user that the proxy runs as.",
            "--outbound-port '0' is not a port from 1 to 65535.",
            "--admin-port '' is not a port from 1 to 65535.",
            "--skip-inbound-ports: '0' is not a port or a range of ports, as in 22,8000-8999.",
            "--skip-inbound-ports: '9-8' is not a port or a range of ports, as in 22,8000-8999.",
            "--skip-outbound-ports: '' is not a port or a range of ports, as in 22,8000-8999.",
            "--skip-subnets: '10.0.0.1/8' is not a subnet with nothing after its prefix, as in 10.0.0.0/8 or fd00::/8.",
            "--skip-subnets: '0.0.0.0/0' would skip everything. Take the proxy away instead.",
            "--skip-subnets: 'lo' is not a subnet with nothing after its prefix, as in 10.0.0.0/8 or fd00::/8.",
            "--skip-subnets: 'fe80::%1/64' is not a subnet with nothing after its prefix, as in 10.0.0.0/8 or fd00::/8.",
            "--skip-subnets: '::ffff:10.0.0.0/104' is not a subnet with nothing after its prefix, as in 10.0.0.0/8 or fd00::/8.",
        ],
        Mistakes(
            "--skip-ports=1", "--dry-run=yes", "--outbound-port", "0", "--admin-port", "--inbound-port", "1", "--inbound-port", "2",
            "--skip-inbound-ports", "0,9-8,22", "--skip-outbound-ports=", "--skip-subnets", "10.0.0.1/8,0.0.0.0/0,lo,fe80::%1/64,::ffff:10.0.0.0/104,10.0.0.0/8"));

    [Theory]
    [InlineData("0", "--proxy-uid 0 would let everything pass that runs as root. Run the proxy as a user of its own.")]
    [InlineData("4294967295", "--proxy-uid '4294967295' is not a uid from 1 to 4294967294.")]
    [InlineData("linkerd", "--proxy-uid 'linkerd' is not a uid from 1 to 4294967294.")]
    [InlineData("-1", "--proxy-uid '-1' is not a uid from 1 to 4294967294.")]
    [InlineData("", "--proxy-uid '' is not a uid from 1 to 4294967294.")]
    public void A_user_that_cannot_be_the_proxys_alone_is_refused(string uid, string mistake) => Assert.Equal([mistake], Mistakes("--proxy-uid", uid));

    [Fact]
    public void The_proxys_ports_differ() => Assert.Equal(
        ["--outbound-port, --inbound-port and --admin-port must differ; they are 4140, 4140, 4191."], Mistakes("--proxy-uid", "1", "--inbound-port", "4140"));

    [Fact]
    public void A_list_has_its_limit() => Assert.Equal(
        ["--skip-inbound-ports has 257 entries; at most 256 are read."],
        Mistakes("--proxy-uid", "1", "--skip-inbound-ports", string.Join(',', Enumerable.Range(1, 257))));

    [Fact]
    public void Nothing_that_is_written_into_the_ruleset_is_text_of_the_callers() =>
        Assert.NotEmpty(Mistakes("--proxy-uid", "1", "--skip-subnets", "10.0.0.0/8 } drop; {"));

    private static InitRequest Read(params string[] arguments)
    {
        var (request, mistakes) = RedirectOptionsReader.Read(arguments);
        Assert.Empty(mistakes);
        return request!;
    }

    private static IReadOnlyList<string> Mistakes(params string[] arguments)
    {
        var (request, mistakes) = RedirectOptionsReader.Read(arguments);
        Assert.Null(request);
        return mistakes;
    }
}
