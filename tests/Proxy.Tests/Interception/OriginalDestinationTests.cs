using System.Net;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Native;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Interception;

/// <summary>What is not redirected. What is, is in <c>EndToEnd.Tests</c>, in network namespaces.</summary>
public sealed class OriginalDestinationTests
{
    private static readonly IPEndPoint Listener = IPEndPoint.Parse("127.0.0.1:4140");

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task A_connection_to_the_listener_itself_has_none(string address)
    {
        using var pair = await LoopbackPair.ConnectAsync(IPAddress.Parse(address), IPAddress.Parse(address));

        Assert.Null(OriginalDestination.Of(pair.ServerDescriptor));
    }

    [Fact]
    public void A_descriptor_that_is_no_connection_has_none() => Assert.Null(OriginalDestination.Of(-1));

    [Fact]
    public void What_connection_tracking_remembers_counts_where_it_is_another_address()
    {
        var elsewhere = IPEndPoint.Parse("10.0.0.7:80");

        Assert.Equal(elsewhere, OriginalDestination.Decide(Listener, elsewhere));
        Assert.Null(OriginalDestination.Decide(Listener, IPEndPoint.Parse("127.0.0.1:4140")));
        Assert.Null(OriginalDestination.Decide(Listener, IPEndPoint.Parse("10.0.0.7:0")));
        Assert.Null(OriginalDestination.Decide(Listener, null));
    }

    [Fact]
    public void Addresses_are_read_as_the_kernel_writes_them()
    {
        byte[] inet = [2, 0, 0x1f, 0x90, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
        byte[] inet6 = [10, 0, 0, 80, 0, 0, 0, 0, 0xfe, 0x80, .. new byte[13], 9, 3, 0, 0, 0];
        byte[] mapped = [10, 0, 0, 80, 0, 0, 0, 0, .. new byte[10], 0xff, 0xff, 10, 0, 0, 7, 0, 0, 0, 0];

        Assert.Equal("10.0.0.7:8080", KernelAddress.Read(inet)!.ToString());
        Assert.Equal("[fe80::9%3]:80", KernelAddress.Read(inet6)!.ToString());
        Assert.Equal("10.0.0.7:80", KernelAddress.Read(mapped)!.ToString());
        Assert.Null(KernelAddress.Read(inet.AsSpan(0, 15)));
        Assert.Null(KernelAddress.Read(inet6.AsSpan(0, 27)));
        Assert.Null(KernelAddress.Read([1, 0, .. new byte[30]]));
    }
}
