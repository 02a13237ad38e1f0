using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Native;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Interception;

/// <summary>The kernel's real answers, for real sockets.</summary>
public sealed class SocketOwnerTests : IDisposable
{
    private readonly SocketOwner _owners = SocketOwner.Open();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _owners.Dispose();

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    [InlineData("127.0.0.1", "::ffff:127.0.0.1")]
    public async Task The_client_of_an_accepted_connection_is_this_process(string listen, string connect)
    {
        using var pair = await LoopbackPair.ConnectAsync(IPAddress.Parse(listen), IPAddress.Parse(connect));

        Assert.Equal(Libc.EffectiveUserId(), _owners.OfClient(pair.ServerDescriptor));
    }

    [Fact]
    public async Task Another_users_connection_is_that_users()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may start a process as another user. Run these tests as root to include this one.");
        using var listener = LoopbackPair.Listen(IPAddress.Loopback);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using var client = System.Diagnostics.Process.Start(
            "setpriv", ["--reuid", "54321", "--clear-groups", "--regid", "54321", "bash", "-c", $"exec 3<>/dev/tcp/127.0.0.1/{port}; exec sleep 60"]);
        try
        {
            using var server = await listener.AcceptAsync(Cancel);
            var descriptor = (int)server.Handle;

            Assert.Equal(54321u, _owners.OfClient(descriptor));
            Assert.False(UidAdmission.For(NumberRanges.None).IsAdmitted(descriptor, _owners, out var uid));
            Assert.Equal(54321u, uid);
            Assert.True(UidAdmission.For(NumberRanges.Of(54321)).IsAdmitted(descriptor, _owners, out _));
        }
        finally
        {
            client.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task A_client_that_has_closed_already_is_nobodys()
    {
        // The trap: kernels report root as the owner of a socket that no process holds any more.
        using var pair = await LoopbackPair.ConnectAsync(IPAddress.Loopback, IPAddress.Loopback);
        pair.Client.Dispose();

        Assert.Equal(0, await pair.Server.ReceiveAsync(new byte[1], Cancel));
        Assert.Null(_owners.OfClient(pair.ServerDescriptor));
    }

    [Fact]
    public void Who_listens_is_not_taken_for_a_client()
    {
        using var listener = LoopbackPair.Listen(IPAddress.Loopback);

        Assert.Null(_owners.Of((IPEndPoint)listener.LocalEndPoint!, new IPEndPoint(IPAddress.Loopback, 9)));
        Assert.Null(_owners.Of((IPEndPoint)listener.LocalEndPoint!, new IPEndPoint(IPAddress.Loopback, 0)));
    }

    [Fact]
    public async Task One_socket_after_the_other_is_looked_up_and_a_wrong_descriptor_is_nobodys()
    {
        using var first = await LoopbackPair.ConnectAsync(IPAddress.Loopback, IPAddress.Loopback);
        using var second = await LoopbackPair.ConnectAsync(IPAddress.IPv6Loopback, IPAddress.IPv6Loopback);

        Assert.Null(_owners.OfClient(-1));
        for (var i = 0; i < 100; i++)
        {
            Assert.NotNull(_owners.OfClient(first.ServerDescriptor));
            Assert.Null(_owners.Of(new IPEndPoint(IPAddress.Loopback, 1), new IPEndPoint(IPAddress.Loopback, 2)));
            Assert.NotNull(_owners.OfClient(second.ServerDescriptor));
        }
    }
}
