using Mesh.Proxy.Streams;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Streams;

/// <summary>A peer with a good certificate gets to the application in the way that is meant for it, and in no other.</summary>
public sealed class StreamRefusalTests : IAsyncLifetime
{
    private static readonly byte[] OwnPort = [0, 0];

    private readonly ProxyPair _pair = new();
    private readonly TestApplication _application = TestApplication.Echo();

    [Fact]
    public async Task A_stream_is_accepted_once_the_application_was_reached_and_ends_both_ways()
    {
        await using var peer = await ConnectAsync();

        await peer.SayAsync(FrameType.Open, OwnPort);
        Assert.Equal(FrameType.Accept, (await peer.HearAsync())?.Type);
        await peer.SayAsync(FrameType.Data, [1, 2, 3]);
        var echo = await peer.HearAsync();
        Assert.Equal((FrameType.Data, 3), (echo?.Type, echo?.Content.Length));
        await peer.SayAsync(FrameType.End);
        Assert.Equal(FrameType.End, (await peer.HearAsync())?.Type);

        // And the next one, on the same connection.
        await peer.SayAsync(FrameType.Open, OwnPort);
        Assert.Equal(FrameType.Accept, (await peer.HearAsync())?.Type);
        // The kernel has accepted it before the application has.
        await Eventually.EqualAsync(2, () => _application.Accepted);
    }

    [Theory]
    [InlineData(22)]
    [InlineData(1)]
    [InlineData(65_535)]
    public async Task Inbound_is_no_relay_to_another_port(int port)
    {
        await using var peer = await ConnectAsync();

        await peer.SayAsync(FrameType.Open, (byte)(port >> 8), (byte)port);

        await AssertRefusedAsync(peer, RefusalCode.Port);
        Assert.Null(await peer.HearAsync());
        Assert.Equal(1, _pair.Voting.Refused("inbound", "port"));
        await _pair.Voting.Log.SaysAsync(5701, ": port: ", $"asks for port {port}");
        Assert.Equal(0, _application.Accepted);
    }

    public static TheoryData<byte[]> WrongBeginnings =>
    [
        // Data, and the end, of a stream that was never opened.
        new byte[] { 4, 0, 0, 1, 9 },
        new byte[] { 5, 0, 0, 0 },
        // What only the other side says.
        new byte[] { 2, 0, 0, 0 },
        new byte[] { 3, 0, 0, 1, 1 },
        // A head with an address instead of a port, one too short, one without end.
        new byte[] { 1, 0, 0, 6, 127, 0, 0, 1, 0, 22 },
        new byte[] { 1, 0, 0, 1, 0 },
        new byte[] { 1, 255, 255, 255 },
        // Nothing that there is.
        new byte[] { 0, 0, 0, 0 },
        "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
    ];

    [Theory]
    [MemberData(nameof(WrongBeginnings))]
    public async Task What_is_no_head_ends_the_connection_before_the_application_hears_of_it(byte[] said)
    {
        await using var peer = await ConnectAsync();

        await peer.SayAsync(said);

        Assert.Null(await peer.HearAsync());
        Assert.Equal(0, _application.Accepted);
        await Eventually.EqualAsync(0, () => _pair.Voting.Open);
    }

    [Fact]
    public async Task What_is_no_frame_within_a_stream_ends_the_connection_with_an_error_for_the_application()
    {
        var (application, received) = TestApplication.Reader();
        await using var _ = application;
        await using var peer = await StreamPeer.ConnectAsync(
            _pair.Voting.ListenInbound(application.Address), _pair.East.Credential(_pair.East.Web), _pair.VotingId.DnsName);
        await peer.SayAsync(FrameType.Open, OwnPort);
        Assert.Equal(FrameType.Accept, (await peer.HearAsync())?.Type);

        await peer.SayAsync([4, 0, 0, 2, 1, 2, 99, 0, 0, 0]);

        Assert.False((await received).EndedCleanly);
        Assert.Null(await peer.HearAsync());
    }

    [Fact]
    public async Task TLS_that_ends_within_a_stream_is_no_end_of_the_stream()
    {
        var (application, received) = TestApplication.Reader();
        await using var _ = application;
        await using (var peer = await StreamPeer.ConnectAsync(
            _pair.Voting.ListenInbound(application.Address), _pair.East.Credential(_pair.East.Web), _pair.VotingId.DnsName))
        {
            await peer.SayAsync(FrameType.Open, OwnPort);
            Assert.Equal(FrameType.Accept, (await peer.HearAsync())?.Type);
            await peer.SayAsync(FrameType.Data, [1]);
        }

        Assert.False((await received).EndedCleanly);
    }

    [Fact]
    public async Task Each_stream_is_judged_by_what_is_in_force_when_it_begins()
    {
        await using var peer = await ConnectAsync();
        await peer.SayAsync(FrameType.Open, OwnPort);
        await peer.HearAsync();
        await peer.SayAsync(FrameType.End);
        Assert.Equal(FrameType.End, (await peer.HearAsync())?.Type);

        _pair.Voting.Identity.Use(new WorkloadPolicy { Version = 2, DefaultPolicy = DefaultPolicy.Deny });
        await peer.SayAsync(FrameType.Open, OwnPort);

        await AssertRefusedAsync(peer, RefusalCode.Policy);
        Assert.Equal(1, _pair.Voting.Refused("inbound", "policy"));
        Assert.Equal(1, _application.Accepted);
    }

    [Fact]
    public async Task A_connection_that_began_before_a_ban_opens_no_stream_after_it()
    {
        await using var peer = await ConnectAsync();
        await peer.SayAsync(FrameType.Open, OwnPort);
        await peer.HearAsync();
        await peer.SayAsync(FrameType.End);
        Assert.Equal(FrameType.End, (await peer.HearAsync())?.Type);

        _pair.Voting.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.East.Web, TestTrustDomain.Now)] });
        await peer.SayAsync(FrameType.Open, OwnPort);

        Assert.Equal(FrameType.Refuse, (await peer.HearAsync())?.Type);
        Assert.Equal(1, _pair.Voting.Refused("inbound", nameof(SvidRejection.Banned)));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _application.DisposeAsync();
    }

    private static async Task AssertRefusedAsync(StreamPeer peer, RefusalCode code)
    {
        var heard = await peer.HearAsync();
        Assert.Equal(FrameType.Refuse, heard?.Type);
        Assert.Equal(code, (RefusalCode)Assert.Single(heard!.Value.Content));
    }

    private Task<StreamPeer> ConnectAsync() => StreamPeer.ConnectAsync(
        _pair.Voting.ListenInbound(_application.Address), _pair.East.Credential(_pair.East.Web), _pair.VotingId.DnsName);
}
