using System.Net;
using System.Security.Authentication;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Outbound;

/// <summary>A server that is not who discovery named hears nothing of the application, which gets an error.</summary>
public sealed class OutboundRefusalTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new();

    public static TheoryData<Imposture> Impostures => [.. Enum.GetValues<Imposture>()];

    [Fact]
    public async Task The_right_server_is_asked_by_its_name_in_TLS_1_3_under_our_protocol()
    {
        var (server, view) = RawPeer.Server(_pair.East.Credential(_pair.VotingId));
        await using var _ = server;
        using var client = TestApplication.Connect(_pair.Web.ListenOutbound((server.Address, _pair.VotingId)));
        await TestApplication.SendAsync(client, "hello"u8.ToArray());

        Assert.Equal(new ServerView("voting.shop.east.example", MeshProtocol.Tcp, SslProtocols.Tls13, 5), await view);
        Assert.Equal("mesh-orleans/tcp", MeshProtocol.Tcp.ToString());
    }

    [Theory]
    [MemberData(nameof(Impostures))]
    public async Task A_bad_certificate_is_refused_by_its_own_reason(Imposture kind)
    {
        var imposture = ImpostureCase.Of(kind, _pair.East, _pair.VotingId);
        _pair.Web.Publish(imposture.Change);

        await AssertRefusedAsync(imposture.Credential, imposture.Reason.ToString(), imposture.Says);
    }

    [Fact]
    public Task Another_identity_than_discovery_named_is_refused() => AssertRefusedAsync(
        _pair.East.Credential(SpiffeId.ForWorkload(_pair.East.Name, "shop", "emoji")),
        nameof(SvidRejection.UnexpectedIdentity),
        "The peer is spiffe://east.example/ns/shop/sa/emoji, and spiffe://east.example/ns/shop/sa/voting was expected");

    [Fact]
    public async Task A_server_that_speaks_no_TLS_is_refused()
    {
        await using var server = new TestApplication(socket => TestApplication.SendAsync(socket, "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray()));
        await AssertRefusedAsync(server.Address, "handshake", "");
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_an_error()
    {
        var server = TestApplication.Echo();
        await server.DisposeAsync();
        await AssertRefusedAsync(server.Address, "connect", server.Address.ToString());
    }

    [Fact]
    public async Task The_next_endpoint_is_tried_when_one_is_refused()
    {
        var (impostor, view) = RawPeer.Server(_pair.East.Credential(_pair.East.Web));
        await using var _ = impostor;
        await using var application = TestApplication.Echo();
        var good = _pair.Voting.ListenInbound(application.Address);
        var address = _pair.Web.ListenOutbound((impostor.Address, _pair.VotingId), (good, _pair.VotingId));

        // Which endpoint comes first is drawn anew for each call; a hundred times the good one is out of the question.
        for (var call = 0; call < 100 && _pair.Web.Refused("outbound", nameof(SvidRejection.UnexpectedIdentity)) == 0; call++)
        {
            using var client = TestApplication.Connect(address);
            await TestApplication.SendAsync(client, "hello"u8.ToArray());
            Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
        }

        Assert.True(_pair.Web.Refused("outbound", nameof(SvidRejection.UnexpectedIdentity)) > 0);
        Assert.Equal(0, (await view).BytesHeard);
    }

    [Fact]
    public async Task No_further_endpoint_is_tried_for_an_application_that_has_gone()
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gone = new TaskCompletionSource();
        // Each takes its time, and then fails.
        TestApplication Slow() => new(async _ =>
        {
            connected.TrySetResult();
            await gone.Task;
        });
        await using var one = Slow();
        await using var other = Slow();
        var client = TestApplication.Connect(_pair.Web.ListenOutbound((one.Address, _pair.VotingId), (other.Address, _pair.VotingId)));
        await connected.Task;

        client.LingerState = new System.Net.Sockets.LingerOption(enable: true, seconds: 0);
        client.Dispose();
        gone.SetResult();

        await Eventually.EqualAsync(0, () => _pair.Web.Open);
        Assert.Equal(1, one.Accepted + other.Accepted);
        Assert.Equal(1, _pair.Web.Refused("outbound", "handshake"));
    }

    [Fact]
    public async Task A_server_that_ends_the_connection_instead_of_the_handshake_is_a_failed_handshake()
    {
        // RFC 8446 §6: close_notify, in plaintext, since nothing is encrypted yet.
        await using var server = new TestApplication(async socket =>
        {
            Assert.True(await socket.ReceiveAsync(new byte[4096], System.Net.Sockets.SocketFlags.None) > 0);
            await TestApplication.SendAsync(socket, ClientHellos.CloseNotify);
            await Reception.ReadAsync(socket);
        });

        await AssertRefusedAsync(server.Address, "handshake", "in the middle of the handshake");
    }

    [Fact]
    public async Task While_its_only_endpoint_is_dead_connections_fail_at_once_and_when_it_is_back_they_are_carried()
    {
        var application = TestApplication.Echo();
        await application.DisposeAsync();
        var address = _pair.Web.ListenOutbound((application.Address, null));
        await Reception.OfAsync(address);
        await Reception.OfAsync(address);

        await Reception.OfAsync(address);

        Assert.Equal(2, _pair.Web.Refused("outbound", "connect"));
        Assert.Equal(1, _pair.Web.Refused("outbound", "fail_fast"));
        await _pair.Web.Log.SaysAsync(5802, "service.shop:8080", "fail_fast");
        await using var back = new TestApplication(socket => TestApplication.SendAsync(socket, "back"u8.ToArray()), application.Address);
        Reception received;
        do
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
            received = await Reception.OfAsync(address);
        }
        while (received.Bytes.Length == 0);

        Assert.Equal("back"u8.ToArray(), received.Bytes);
    }

    [Fact]
    public async Task A_service_without_endpoints_is_an_error_with_a_line_and_a_count()
    {
        Assert.False((await Reception.OfAsync(_pair.Web.ListenOutbound())).EndedCleanly);

        await _pair.Web.Log.SaysAsync(5802, "service.shop:8080");
        Assert.Equal(1, _pair.Web.Refused("outbound", "no_endpoints"));
    }

    [Fact]
    public async Task An_endpoint_without_an_identity_is_reached_in_plaintext_and_counted_with_its_reason()
    {
        await using var application = TestApplication.Echo();
        using var client = TestApplication.Connect(_pair.Web.ListenOutbound((application.Address, null)));
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        client.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        Assert.Equal("hello"u8.ToArray(), (await Reception.ReadAsync(client)).Bytes);

        var (key, now) = _pair.Web.Edge;
        Assert.Equal(("no_identity", "not_provided_by_service_discovery", "TCP", ""), (key.Tls, key.NoTlsReason, key.Protocol, key.PeerId));
        Assert.Equal((5, 5), (now.FromOpener, now.ToOpener));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _pair.DisposeAsync();

    private async Task AssertRefusedAsync(SvidCredential shown, string reason, string says)
    {
        var (server, view) = RawPeer.Server(shown);
        await using var _ = server;

        await AssertRefusedAsync(server.Address, reason, says);

        Assert.Equal(0, (await view).BytesHeard);
    }

    private async Task AssertRefusedAsync(IPEndPoint server, string reason, string says)
    {
        var received = await Reception.OfAsync(_pair.Web.ListenOutbound((server, _pair.VotingId)), "hello"u8.ToArray());

        Assert.Empty(received.Bytes);
        Assert.False(received.EndedCleanly);
        await _pair.Web.Log.SaysAsync(5801, $": {reason}: ", says, _pair.VotingId.ToString());
        Assert.Equal(1, _pair.Web.Refused("outbound", reason));
        Assert.Equal((0, 1), (_pair.Web.Edge.Now.Opened, _pair.Web.Edge.Now.Refused));
    }
}
