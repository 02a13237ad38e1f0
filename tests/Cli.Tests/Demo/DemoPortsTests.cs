using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Demo;
using Mesh.Cli.Output;

namespace Mesh.Cli.Tests.Demo;

public sealed class DemoPortsTests
{
    private static readonly string[] All =
    [
        "silo HTTPS", "silo admin", "silo Orleans", "silo Orleans gateway", "ProxyHost", "ProxyHost admin", "web inbound", "web application",
        "web outbound emoji", "web outbound voting", "web admin", "emoji inbound", "emoji application", "emoji admin", "voting inbound",
        "voting application", "voting admin", "vote-bot outbound web", "vote-bot admin", "web inbound TLS", "web application TLS",
        "prometheus outbound web", "prometheus outbound emoji", "prometheus outbound voting", "prometheus outbound vote-bot", "prometheus admin",
    ];

    [Theory]
    [InlineData(null)]
    [InlineData(20_000)]
    public void No_two_listeners_share_a_port(int? basePort)
    {
        var ports = new DemoPorts(basePort, DemoSettings.Parse([]));

        Assert.Equal(All.Length, All.Select(what => ports[what]).Distinct().Count());
    }

    [Fact]
    public void From_a_base_they_follow_each_other_and_the_highest_base_has_room_for_all()
    {
        var ports = new DemoPorts(DemoPorts.HighestBase, DemoSettings.Parse([]));

        Assert.Equal(Enumerable.Range(DemoPorts.HighestBase, All.Length), All.Select(what => ports[what]));
        Assert.Equal(IPEndPoint.MaxPort, ports[All[^1]]);
        Assert.Equal("127.0.0.1:65535", ports.Address(All[^1]));
    }

    [Fact]
    public void A_setting_moves_one_of_them()
    {
        var ports = new DemoPorts(20_000, DemoSettings.Parse(["ProxyHost:Listen=127.0.0.1:9000", "Silo:SiloPort=9001"]));

        Assert.Equal((9_000, 9_001, 20_005), (ports["ProxyHost"], ports["silo Orleans"], ports["ProxyHost admin"]));
    }

    [Theory]
    [InlineData("Silo:SiloPort=0")]
    [InlineData("Silo:SiloPort=65536")]
    [InlineData("Silo:SiloPort=many")]
    [InlineData("ProxyHost:Listen=127.0.0.1")]
    [InlineData("ProxyHost:Listen=127.0.0.1:0")]
    public void A_setting_that_names_no_port_is_a_mistake_of_the_command_line(string setting)
    {
        var mistake = Assert.Throws<CliException>(() => new DemoPorts(null, DemoSettings.Parse([setting])));

        Assert.Equal((ExitCodes.Usage, $"--set {setting}: that names no port."), (mistake.ExitCode, mistake.Message));
    }

    [Fact]
    public void Free_ports_are_no_problem() => new DemoPorts(FreeBase(), DemoSettings.Parse([])).CheckFree();

    [Fact]
    public void A_taken_port_is_named_with_its_holder_and_the_way_out()
    {
        using var holder = Listen(IPAddress.Any, out var port);
        var ports = new DemoPorts(FreeBase(), DemoSettings.Parse([$"ProxyHost:Listen=127.0.0.1:{port}"]));

        var refusal = Assert.Throws<CliException>(ports.CheckFree);

        Assert.Equal(ExitCodes.Environment, refusal.ExitCode);
        Assert.Equal($"Port {port} (ProxyHost) is already taken by {OwnName()} (pid {Environment.ProcessId}).", refusal.Message);
        Assert.Equal(
            $"Choose another with --set ProxyHost:Listen=127.0.0.1:{port + 1}, or others for all with --base-port 20000.", refusal.Next);
    }

    [Fact]
    public void A_taken_port_that_no_setting_moves_is_moved_with_all()
    {
        var start = FreeBase();
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, start + 6));
        holder.Listen();

        var refusal = Assert.Throws<CliException>(new DemoPorts(start, DemoSettings.Parse([])).CheckFree);

        Assert.StartsWith($"Port {start + 6} (web inbound) is already taken by ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("Choose others for all with --base-port 20000.", refusal.Next);
        // On hosts of their own, workloads take none of this machine's.
        new DemoPorts(start, DemoSettings.Parse([])).CheckFree(controlPlaneOnly: true);
    }

    [Fact]
    public void A_port_whose_connections_are_still_ending_is_free()
    {
        int port;
        using (var listener = Listen(IPAddress.Loopback, out port))
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(IPAddress.Loopback, port);
            // The side that closes first waits a minute for stray segments.
            listener.Accept().Dispose();
        }

        Assert.True(PortHolder.IsFree(port));
    }

    [Fact]
    public void A_free_port_has_no_holder()
    {
        int port;
        using (Listen(IPAddress.Loopback, out port))
        {
            Assert.False(PortHolder.IsFree(port));
            Assert.NotNull(PortHolder.Find(port));
        }

        Assert.Null(PortHolder.Find(port));
    }

    private static Socket Listen(IPAddress address, out int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        socket.Listen();
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        return socket;
    }

    // Below the ports that the kernel gives to whoever asks for any.
    private static int FreeBase() => Enumerable.Range(0, 500).Select(i => 22_000 + (i * 20))
        .First(start => Enumerable.Range(start, All.Length).All(PortHolder.IsFree));

    private static string OwnName() => File.ReadAllText("/proc/self/comm").Trim();
}
