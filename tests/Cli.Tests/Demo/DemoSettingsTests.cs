using Mesh.Cli.Demo;
using Mesh.Cli.Output;

namespace Mesh.Cli.Tests.Demo;

public sealed class DemoSettingsTests
{
    [Fact]
    public void A_setting_reaches_the_processes_of_its_section_and_no_others()
    {
        var settings = DemoSettings.Parse(["Leaf:Lifetime=10s", "Silo:TrustDomain=east.example", "Proxy:Drain=00:00:05", "ProxyHost:Listen=127.0.0.1:9000"]);

        Assert.Equal(["--Leaf:Lifetime=00:00:10", "--Silo:TrustDomain=east.example"], settings.ArgumentsFor(ProcessRole.Silo));
        Assert.Equal(["--Proxy:Drain=00:00:05"], settings.ArgumentsFor(ProcessRole.Proxy));
        Assert.Equal(["--ProxyHost:Listen=127.0.0.1:9000"], settings.ArgumentsFor(ProcessRole.ProxyHost));
        Assert.Empty(settings.ArgumentsFor(ProcessRole.Application));
    }

    [Theory]
    [InlineData("Silo")]
    [InlineData("Store")]
    [InlineData("Anchor")]
    [InlineData("Issuer")]
    [InlineData("Leaf")]
    [InlineData("silo")]
    public void The_stores_and_the_authorities_options_are_the_silos(string section) =>
        Assert.Equal([$"--{section}:Some:Key=value"], DemoSettings.Parse([$"{section}:Some:Key=value"]).ArgumentsFor(ProcessRole.Silo));

    [Theory]
    [InlineData("Proxy:MaxConnections=5", "--Proxy:MaxConnections=5")]
    [InlineData("Proxy:Admin:Listen=127.0.0.1:4191", "--Proxy:Admin:Listen=127.0.0.1:4191")]
    [InlineData("Proxy:TokenFile=a=b", "--Proxy:TokenFile=a=b")]
    [InlineData("Proxy:Data=", "--Proxy:Data=")]
    [InlineData("Proxy:Drain=1.5s", "--Proxy:Drain=00:00:01.5000000")]
    public void A_value_is_passed_as_it_is_unless_it_is_a_time(string text, string argument) =>
        Assert.Equal([argument], DemoSettings.Parse([text]).ArgumentsFor(ProcessRole.Proxy));

    [Fact]
    public void The_last_of_two_values_counts_and_case_does_not()
    {
        var settings = DemoSettings.Parse(["Silo:SiloPort=1", "silo:siloport=2"]);

        Assert.Equal("2", settings.Find("Silo:SiloPort"));
        Assert.Null(settings.Find("Silo:GatewayPort"));
    }

    [Theory]
    [InlineData("Leaf")]
    [InlineData("Leaf:Lifetime")]
    [InlineData("Lifetime=10s")]
    [InlineData("Leaf:=10s")]
    [InlineData("=10s")]
    [InlineData("")]
    public void What_is_no_setting_is_a_mistake_of_the_command_line(string text)
    {
        var mistake = Assert.Throws<CliException>(() => DemoSettings.Parse([text]));

        Assert.Equal((ExitCodes.Usage, $"--set '{text}' is not Section:Key=value."), (mistake.ExitCode, mistake.Message));
    }

    [Fact]
    public void A_section_that_does_not_exist_is_named_beside_those_that_do()
    {
        var mistake = Assert.Throws<CliException>(() => DemoSettings.Parse(["Leaves:Lifetime=10s"]));

        Assert.Equal("--set 'Leaves:Lifetime=10s': there is no section Leaves.", mistake.Message);
        Assert.Equal("The sections are Silo, Store, Anchor, Issuer, Leaf, Attestation, ProxyHost, Proxy.", mistake.Next);
    }
}
