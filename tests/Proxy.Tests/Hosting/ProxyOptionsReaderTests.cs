using System.Net;
using Mesh.Proxy.Hosting;
using Microsoft.Extensions.Configuration;

namespace Mesh.Proxy.Tests.Hosting;

public sealed class ProxyOptionsReaderTests
{
    private static readonly string[] Least = ["--Proxy:TokenFile=/run/token", "--Proxy:Data=/var/lib/proxy"];

    private static readonly string[] ByJwt =
    [
        "--Proxy:JwtFile=/run/jwt", "--Proxy:Identity=spiffe://east.example/ns/shop/sa/web", "--Proxy:ProxyHosts:0=https://10.0.0.1:8086",
        "--Proxy:Data=/var/lib/proxy",
    ];

    [Fact]
    public void What_is_not_said_has_its_default()
    {
        var options = Read(Least);

        Assert.Equal(
            new ProxyOptions
            {
                TokenFile = "/run/token",
                Data = "/var/lib/proxy",
                AnchorHashes = options.AnchorHashes,
                ProxyHosts = options.ProxyHosts,
                Inbound = options.Inbound,
                Outbound = options.Outbound,
                AdminListen = new IPEndPoint(IPAddress.Loopback, 4191),
                ReportInterval = TimeSpan.FromSeconds(1),
                Drain = TimeSpan.FromSeconds(30),
                DetectTimeout = TimeSpan.FromSeconds(10),
                ConnectTimeout = TimeSpan.FromSeconds(5),
                MaxConnections = 10_000,
            },
            options);
        Assert.Empty(options.AnchorHashes);
        Assert.Empty(options.ProxyHosts);
        Assert.Empty(options.Inbound);
        Assert.Empty(options.Outbound);
    }

    [Fact]
    public void Everything_can_be_said_in_any_case()
    {
        var options = Read(
            [
                .. Least, "--proxy:proxyhosts:0=https://10.0.0.1:8086", "--Proxy:ProxyHosts:1=https://10.0.0.2:8086", "--Proxy:Inbound:0:Listen=0.0.0.0:4143",
                "--Proxy:Inbound:0:Application=127.0.0.1:8080", "--Proxy:Outbound:0:Listen=127.0.0.1:9000",
                "--Proxy:Outbound:0:Service=voting.emojivoto:8080", "--Proxy:Admin:Listen=[::1]:4000", "--Proxy:ReportInterval=00:00:05", "--Proxy:TrustLease=00:05:00",
                "--Proxy:Drain=00:00:00", "--Proxy:DetectTimeout=00:00:00.1", "--Proxy:ConnectTimeout=00:01:00", "--PROXY:MAXCONNECTIONS=1",
            ]);

        Assert.Equal(["https://10.0.0.1:8086/", "https://10.0.0.2:8086/"], options.ProxyHosts.Select(host => host.ToString()));
        Assert.Equal([new InboundOptions(IPEndPoint.Parse("0.0.0.0:4143"), IPEndPoint.Parse("127.0.0.1:8080"))], options.Inbound);
        Assert.Equal([new OutboundOptions(IPEndPoint.Parse("127.0.0.1:9000"), "voting.emojivoto:8080")], options.Outbound);
        Assert.Equal(8080, options.Outbound[0].ServicePort);
        Assert.Equal(IPEndPoint.Parse("[::1]:4000"), options.AdminListen);
        Assert.Equal(
            (TimeSpan.FromSeconds(5), TimeSpan.Zero, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), 1),
            (options.ReportInterval, options.Drain, options.DetectTimeout, options.ConnectTimeout, options.MaxConnections));
        Assert.Equal(TimeSpan.FromMinutes(5), options.TrustLease);
    }

    [Fact]
    public void Every_mistake_is_named_at_once()
    {
        var mistakes = Mistakes(
            [
                "--Proxy:Tokenfil=/run/token", "--Proxy:ProxyHosts:0=http://10.0.0.1:8086", "--Proxy:Inbound:0:Listen=localhost:4143",
                "--Proxy:Inbound:0:Applicaton=127.0.0.1:8080", "--Proxy:Outbound:0:Service=voting", "--Proxy:Drain=10s", "--Proxy:MaxConnections=0",
                "--Proxy:Admin:Port=4191",
            ]);

        Assert.Equal(
            [
                "Proxy:Tokenfil is not an option. Proxy has: TokenFile, JwtFile, Identity, TrustBundleFile, AnchorHashes, Data, ProxyHosts, Inbound, Outbound, Transparent, Admin, ReportInterval, TrustLease, Drain, DetectTimeout, ConnectTimeout, MaxConnections, Pooling.",
                "Proxy:Admin:Port is not an option. Proxy:Admin has: Listen.",
                "Proxy:TokenFile is missing: name the file that holds the join token.",
                "Proxy:Data is missing: name the data folder.",
                "Proxy:ProxyHosts:0 'http://10.0.0.1:8086' is not https://HOST:PORT.",
                "Proxy:Inbound:0:Applicaton is not an option. Proxy:Inbound:0 has: Listen, Application.",
                "Proxy:Inbound:0:Listen 'localhost:4143' is not IP:PORT.",
                "Proxy:Inbound:0:Application '' is not IP:PORT.",
                "Proxy:Outbound:0:Service 'voting' is not NAME.NAMESPACE:PORT, e.g. voting.emojivoto:8080.",
                "Proxy:Outbound:0:Listen '' is not IP:PORT.",
                "Proxy:Drain '10s' is not a time from 00:00:00 to 01:00:00.",
                "Proxy:MaxConnections '0' is not a number from 1 to 1000000.",
            ],
            mistakes);
    }

    [Theory]
    [InlineData("ReportInterval", "00:00:00.099")]
    [InlineData("ReportInterval", "00:01:00.001")]
    [InlineData("TrustLease", "00:00:04.999")]
    [InlineData("TrustLease", "7.00:00:01")]
    [InlineData("Drain", "-00:00:01")]
    [InlineData("Drain", "01:00:01")]
    [InlineData("Drain", "30")]
    [InlineData("DetectTimeout", "00:00:00")]
    [InlineData("DetectTimeout", "00:02:00")]
    [InlineData("ConnectTimeout", "00:00:00")]
    [InlineData("ConnectTimeout", "soon")]
    [InlineData("MaxConnections", "1000001")]
    [InlineData("MaxConnections", "-1")]
    [InlineData("MaxConnections", "1e3")]
    [InlineData("Inbound", "127.0.0.1:4143")]
    [InlineData("Outbound", "127.0.0.1:4140")]
    [InlineData("ProxyHosts", "https://10.0.0.1:8086")]
    [InlineData("Admin", "127.0.0.1:4191")]
    [InlineData("Admin:Listen", "127.0.0.1")]
    [InlineData("Admin:Listen", "127.0.0.1:0")]
    [InlineData("Admin:Listen", "4191")]
    public void What_is_out_of_range_or_out_of_place_is_named(string key, string value)
    {
        var mistake = Assert.Single(Mistakes([.. Least, $"--Proxy:{key}={value}"]));

        Assert.StartsWith($"Proxy:{key} '{value}'", mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("voting.emojivoto:0")]
    [InlineData("voting.emojivoto:65536")]
    [InlineData("voting.emojivoto:99999")]
    [InlineData("voting.emojivoto")]
    [InlineData("voting:8080")]
    [InlineData("a.b.c:80")]
    [InlineData("Voting.emojivoto:8080")]
    [InlineData("-voting.emojivoto:8080")]
    [InlineData("voting.emojivoto:8080\n")]
    public void A_name_that_is_no_services_is_refused(string service)
    {
        var mistake = Assert.Single(Mistakes([.. Least, "--Proxy:Outbound:0:Listen=127.0.0.1:9000", $"--Proxy:Outbound:0:Service={service}"]));

        Assert.Contains("is not NAME.NAMESPACE:PORT", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void One_address_for_two_listeners_is_named() => Assert.Equal(
        ["Proxy: 127.0.0.1:4191 is named for 2 listeners."],
        Mistakes([.. Least, "--Proxy:Inbound:0:Listen=127.0.0.1:4191", "--Proxy:Inbound:0:Application=127.0.0.1:8080"]));

    [Fact]
    public void Addresses_that_cannot_be_read_are_not_called_the_same() =>
        Assert.Equal(4, Mistakes([.. Least, "--Proxy:Inbound:0:Listen=a", "--Proxy:Inbound:1:Listen=b"]).Count);

    [Fact]
    public void A_JWT_takes_the_place_of_the_token_and_the_options_say_the_rest()
    {
        var hash = new string('a', 64);
        var byHash = Read([.. ByJwt, $"--Proxy:AnchorHashes:0={hash}"]);
        var byBundle = Read([.. ByJwt, "--Proxy:TrustBundleFile=/run/bundle.json"]);

        Assert.Equal(("/run/jwt", null), (byHash.JwtFile, byHash.TokenFile));
        Assert.Equal("spiffe://east.example/ns/shop/sa/web", byHash.Identity!.ToString());
        Assert.Equal(hash, Assert.Single(byHash.AnchorHashes).ToString());
        Assert.Equal("/run/bundle.json", byBundle.TrustBundleFile);
    }

    [Fact]
    public void What_a_JWT_lacks_is_named() => Assert.Equal(
        [
            "Proxy:Identity is missing: with Proxy:JwtFile, name the workload's SPIFFE ID.",
            "Proxy:TokenFile and Proxy:JwtFile are both there: name one of them.",
            "Proxy:ProxyHosts is missing: with Proxy:JwtFile, name where ProxyHosts listen.",
            "Proxy:TrustBundleFile or Proxy:AnchorHashes, and one of them alone, must say with Proxy:JwtFile which anchors may be trusted.",
        ],
        Mistakes([.. Least, "--Proxy:JwtFile=/run/jwt"]));

    [Fact]
    public void What_a_join_token_says_itself_is_not_said_twice() => Assert.Equal(
        [
            "Proxy:Identity is for Proxy:JwtFile alone: a join token names its identity itself.",
            "Proxy:TrustBundleFile is for Proxy:JwtFile alone: a join token names its anchors itself.",
            "Proxy:AnchorHashes is for Proxy:JwtFile alone: a join token names its anchors itself.",
        ],
        Mistakes(
        [
            .. Least, "--Proxy:Identity=spiffe://east.example/ns/shop/sa/web", "--Proxy:TrustBundleFile=/run/bundle.json",
            $"--Proxy:AnchorHashes:0={new string('a', 64)}",
        ]));

    [Theory]
    [InlineData("Identity", "spiffe://east.example/mesh/silo/silo-0")]
    [InlineData("Identity", "web")]
    [InlineData("AnchorHashes:1", "AAAA")]
    public void What_stands_for_nothing_beside_a_JWT_is_named(string key, string value) => Assert.Contains(
        $"Proxy:{key} '{value}'", Mistakes([.. ByJwt, $"--Proxy:AnchorHashes:0={new string('a', 64)}", $"--Proxy:{key}={value}"])[0], StringComparison.Ordinal);

    [Fact]
    public void An_outbound_listener_names_users_and_ranges_of_users()
    {
        string[] outbound = [.. Least, "--Proxy:Outbound:0:Listen=127.0.0.1:9000", "--Proxy:Outbound:0:Service=voting.emojivoto:8080"];

        Assert.Empty(Read(outbound).Outbound[0].Uids.Ranges);
        Assert.Equal(
            "1000, 61184-65519",
            Read([.. outbound, "--Proxy:Outbound:0:Uids:0=61184-65519", "--Proxy:Outbound:0:Uids:1=1000"]).Outbound[0].Uids.ToString());
        Assert.Equal(
            ["Proxy:Outbound:0:Uids '1000' is not read: its values stand below it, as in Proxy:Outbound:0:Uids:0."], Mistakes([.. outbound, "--Proxy:Outbound:0:Uids=1000"]));
        Assert.Equal(
            ["Proxy:Outbound:0:Uids has 65 entries; at most 64 are read."],
            Mistakes([.. outbound, .. Enumerable.Range(0, 65).Select(i => $"--Proxy:Outbound:0:Uids:{i}={i}")]));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("root")]
    [InlineData("-1")]
    [InlineData("4294967295")]
    [InlineData("0-65536")]
    [InlineData("10-9")]
    [InlineData("1,2")]
    public void Users_are_numbers_and_never_everybody(string uids)
    {
        var mistake = Assert.Single(Mistakes(
            [.. Least, "--Proxy:Outbound:0:Listen=127.0.0.1:9000", "--Proxy:Outbound:0:Service=voting.emojivoto:8080", $"--Proxy:Outbound:0:Uids:0={uids}"]));

        Assert.Equal($"Proxy:Outbound:0:Uids:0 '{uids}' is not a uid, or a range of at most 65536 as in 61184-65519.", mistake);
    }

    [Fact]
    public void Transparent_listeners_are_there_where_they_are_enabled()
    {
        var options = Read([.. Least, "--Proxy:Transparent:Enabled=true"]).Transparent!;
        var others = Read(
            [
                .. Least, "--Proxy:Transparent:Enabled=True", "--Proxy:Transparent:Outbound:0=127.0.0.1:5140", "--Proxy:Transparent:Inbound:0=10.0.0.1:5143",
            ]).Transparent!;

        Assert.Equal(["127.0.0.1:4140", "[::1]:4140"], options.Outbound.Select(listen => listen.ToString()));
        Assert.Equal(["0.0.0.0:4143", "[::]:4143"], options.Inbound.Select(listen => listen.ToString()));
        Assert.Equal(["127.0.0.1:5140"], others.Outbound.Select(listen => listen.ToString()));
        Assert.Equal(["10.0.0.1:5143"], others.Inbound.Select(listen => listen.ToString()));
        Assert.Null(Read([.. Least, "--Proxy:Transparent:Enabled=false"]).Transparent);
    }

    [Fact]
    public void Wrong_options_of_transparent_listeners_are_all_named() => Assert.Equal(
        [
            "Proxy:Transparent:SkipPorts is not an option. Proxy:Transparent has: Enabled, Outbound, Inbound.",
            "Proxy:Transparent:Enabled 'yes' is not true or false.",
            "Proxy:Transparent says where to listen, but Proxy:Transparent:Enabled is not true.",
            "Proxy:Transparent:Outbound '4140' is not read: its values stand below it, as in Proxy:Transparent:Outbound:0.",
            "Proxy:Transparent:Inbound:0 '4143' is not IP:PORT.",
        ],
        Mistakes(
        [
            .. Least, "--Proxy:Transparent:Enabled=yes", "--Proxy:Transparent:SkipPorts=1", "--Proxy:Transparent:Outbound=4140",
            "--Proxy:Transparent:Inbound:0=4143",
        ]));

    [Fact]
    public void A_transparent_listener_takes_its_address_from_the_others() => Assert.Equal(
        ["Proxy: 127.0.0.1:4140 is named for 2 listeners."],
        Mistakes(
        [
            .. Least, "--Proxy:Transparent:Enabled=true", "--Proxy:Outbound:0:Listen=127.0.0.1:4140", "--Proxy:Outbound:0:Service=voting.emojivoto:8080",
        ]));

    private static ProxyOptions Read(string[] arguments)
    {
        var (options, mistakes) = ProxyOptionsReader.Read(new ConfigurationBuilder().AddCommandLine(arguments).Build());
        Assert.Empty(mistakes);
        return options!;
    }

    private static IReadOnlyList<string> Mistakes(string[] arguments)
    {
        var (options, mistakes) = ProxyOptionsReader.Read(new ConfigurationBuilder().AddCommandLine(arguments).Build());
        Assert.Null(options);
        return mistakes;
    }
}
