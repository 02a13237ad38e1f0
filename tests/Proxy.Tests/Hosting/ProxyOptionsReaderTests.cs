using System.Net;
using Mesh.Proxy.Hosting;
using Microsoft.Extensions.Configuration;

namespace Mesh.Proxy.Tests.Hosting;

public sealed class ProxyOptionsReaderTests
{
    private static readonly string[] Least = ["--Proxy:TokenFile=/run/token", "--Proxy:Data=/var/lib/proxy"];

    [Fact]
    public void What_is_not_said_has_its_default()
    {
        var options = Read(Least);

        Assert.Equal(
            new ProxyOptions
            {
                TokenFile = "/run/token",
                Data = "/var/lib/proxy",
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
                "--Proxy:Outbound:0:Service=voting.emojivoto:8080", "--Proxy:Admin:Listen=[::1]:4000", "--Proxy:ReportInterval=00:00:05",
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
                "Proxy:Tokenfil is not an option. Proxy has: TokenFile, Data, ProxyHosts, Inbound, Outbound, Admin, ReportInterval, Drain, DetectTimeout, ConnectTimeout, MaxConnections.",
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
