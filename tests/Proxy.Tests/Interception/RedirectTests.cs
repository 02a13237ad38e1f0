using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Tests.Support;
using static Mesh.Proxy.Tests.Support.RedirectLab;

namespace Mesh.Proxy.Tests.Interception;

/// <summary>What the rules of <c>Proxy init</c> do to real connections between real hosts.</summary>
public sealed class RedirectTests(SharedRedirectLab running) : IClassFixture<SharedRedirectLab>
{
    [Fact]
    public async Task What_the_application_opens_arrives_at_the_outbound_listener_with_the_destination_that_it_had()
    {
        var lab = await running.LabAsync();
        foreach (var address in Addresses(lab.Peer))
        {
            Assert.Equal(new Arrival("outbound", new IPEndPoint(address, AppPort)), await ConnectAsync(lab.Pod, address, AppPort));
            // Also where nobody would have answered, and at another proxy's ports.
            Assert.Equal(new Arrival("outbound", new IPEndPoint(address, 9)), await ConnectAsync(lab.Pod, address, 9));
            Assert.Equal(new Arrival("outbound", new IPEndPoint(address, InterceptionPorts.Inbound)), await ConnectAsync(lab.Pod, address, InterceptionPorts.Inbound));
        }

        foreach (var elsewhere in new[] { "192.0.2.7", "2001:db8::7" })
        {
            Assert.Equal(new Arrival("outbound", new IPEndPoint(IPAddress.Parse(elsewhere), 443)), await ConnectAsync(lab.Pod, IPAddress.Parse(elsewhere), 443));
        }
    }

    [Fact]
    public async Task What_comes_from_outside_arrives_at_the_inbound_listener_with_the_destination_that_it_had()
    {
        var lab = await running.LabAsync();
        foreach (var address in Addresses(lab.Pod))
        {
            Assert.Equal(new Arrival("inbound", new IPEndPoint(address, AppPort)), await ConnectAsync(lab.Peer, address, AppPort));
            Assert.Equal(new Arrival("inbound", new IPEndPoint(address, 9)), await ConnectAsync(lab.Peer, address, 9));
        }
    }

    [Fact]
    public async Task The_proxys_own_ports_are_reached_as_they_are_but_for_the_outbound_one()
    {
        var lab = await running.LabAsync();
        foreach (var address in Addresses(lab.Pod))
        {
            Assert.Equal(new Arrival("inbound", null), await ConnectAsync(lab.Peer, address, InterceptionPorts.Inbound));
            Assert.Equal(new Arrival("admin", null), await ConnectAsync(lab.Peer, address, InterceptionPorts.Admin));
            var refused = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(lab.Peer, address, InterceptionPorts.Outbound));
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        }
    }

    [Fact]
    public async Task Skipped_ports_and_subnets_pass_by_the_proxy_in_both_directions()
    {
        var lab = await running.LabAsync();
        foreach (var (pod, peer, skipped) in Addresses(lab.Pod).Zip(Addresses(lab.Peer), Addresses(lab.Skipped)))
        {
            Assert.Equal(new Arrival("peer", null), await ConnectAsync(lab.Pod, peer, SkippedPort));
            Assert.Equal(new Arrival("application", null), await ConnectAsync(lab.Peer, pod, SkippedPort));
            Assert.Equal(new Arrival("skipped peer", null), await ConnectAsync(lab.Pod, skipped, AppPort));
            Assert.Equal(new Arrival("application", null), await ConnectAsync(lab.Skipped, pod, AppPort));
        }
    }

    [Fact]
    public async Task The_proxys_own_connections_go_where_they_are_sent()
    {
        var lab = await running.LabAsync();
        foreach (var address in Addresses(lab.Peer))
        {
            Assert.Equal(new Arrival("peer", null), await ConnectAsync(lab.Pod, address, AppPort, ProxyUid));
        }

        // The same as a process sees it that was started as that user, and the control: another user.
        Assert.Equal("peer -", await lab.ReadAsUserAsync(ProxyUid));
        Assert.Equal($"outbound {lab.Peer.Address}:{AppPort}", await lab.ReadAsUserAsync(1000));
    }

    [Fact]
    public async Task Loopback_and_the_pods_own_addresses_are_the_applications_own()
    {
        var lab = await running.LabAsync();
        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback, .. Addresses(lab.Pod)])
        {
            Assert.Equal(new Arrival("application", null), await ConnectAsync(lab.Pod, address, AppPort));
        }
    }

    [Fact]
    public async Task What_is_only_on_its_way_through_is_let_through()
    {
        var lab = await running.LabAsync();
        var beyond = IPAddress.Parse("198.51.100.7");
        await RunAsync(lab.Skipped, "ip", "address", "replace", $"{beyond}/32", "dev", "lo");
        await RunAsync(lab.Pod, "ip", "route", "replace", $"{beyond}/32", "via", $"{lab.Skipped.Address}");
        await RunAsync(lab.Pod, "sysctl", "-q", "net.ipv4.ip_forward=1");
        await RunAsync(lab.Peer, "ip", "route", "replace", $"{beyond}/32", "via", $"{lab.Pod.Address}");

        Assert.Equal(new Arrival("skipped peer", null), await ConnectAsync(lab.Peer, beyond, AppPort));
    }

    [Fact]
    public async Task A_pod_that_calls_itself_by_its_service_comes_in_as_from_outside_and_reaches_its_application()
    {
        var lab = await running.LabAsync();
        foreach (var (address, loopback) in Addresses(lab.Pod).Zip([IPAddress.Loopback, IPAddress.IPv6Loopback]))
        {
            // The outbound side connects to an endpoint, which happens to be its own pod.
            Assert.Equal(new Arrival("inbound", new IPEndPoint(address, AppPort)), await ConnectAsync(lab.Pod, address, AppPort, ProxyUid));
            // The inbound side goes on to the application, from loopback, and does not meet itself.
            Assert.Equal(new Arrival("application", null), await ConnectAsync(lab.Pod, address, AppPort, ProxyUid, loopback));
            Assert.Equal(new Arrival("application", null), await ConnectAsync(lab.Pod, address, SkippedPort, ProxyUid));
        }
    }
}
