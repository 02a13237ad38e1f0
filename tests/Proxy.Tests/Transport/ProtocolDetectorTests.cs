using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Transport;

public sealed class ProtocolDetectorTests
{
    private const string Own = "voting.shop.east.example";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Own_name_and_own_protocol_are_for_us()
    {
        var hello = await ClientHellos.ForMeshAsync(Own);

        var detection = await DetectAsync(hello);

        Assert.Equal(ArrivalKind.Mesh, detection.Kind);
        Assert.Equal(hello, detection.ReadAhead.ToArray());
    }

    [Fact]
    public async Task Own_protocol_among_others_is_for_us() =>
        Assert.Equal(ArrivalKind.Mesh, (await DetectAsync(await ClientHellos.CaptureAsync(Own, SslApplicationProtocol.Http2, MeshProtocol.Tcp))).Kind);

    [Theory]
    [InlineData("emoji.shop.east.example", "mesh-orleans/tcp")]
    [InlineData("voting.shop.east.example.com", "mesh-orleans/tcp")]
    [InlineData(Own, "h2")]
    [InlineData(Own, "mesh-orleans/tcp2")]
    [InlineData(Own, null)]
    [InlineData("", "mesh-orleans/tcp")]
    public async Task TLS_for_another_name_or_protocol_is_not_for_us(string sni, string? protocol)
    {
        var hello = await ClientHellos.CaptureAsync(sni, protocol is null ? [] : [new SslApplicationProtocol(protocol)]);

        var detection = await DetectAsync(hello);

        Assert.Equal(ArrivalKind.OtherTls, detection.Kind);
        Assert.Equal(hello, detection.ReadAhead.ToArray());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", true)]
    [InlineData("POST /vote HTTP/1.1\r\n", true)]
    [InlineData("PRI * HTTP/2.0\r\n", false)]
    [InlineData("SSH-2.0-client\r\n", false)]
    [InlineData("\0\0\0\b", false)]
    public async Task What_is_no_TLS_is_plaintext_at_once(string said, bool looksLikeHttp)
    {
        var detection = await DetectAsync(System.Text.Encoding.Latin1.GetBytes(said));

        Assert.Equal((ArrivalKind.Plaintext, looksLikeHttp), (detection.Kind, detection.LooksLikeHttp));
        Assert.Equal(said, System.Text.Encoding.Latin1.GetString(detection.ReadAhead.Span));
    }

    [Fact]
    public async Task A_ClientHello_in_many_segments_is_recognised()
    {
        var (client, server) = await ConnectAsync();
        using var _ = client;
        using var __ = server;
        var hello = await ClientHellos.ForMeshAsync(Own);
        var detecting = ProtocolDetector.DetectAsync(server, Own, Patience, Cancel);
        foreach (var piece in hello.Chunk(11))
        {
            await client.SendAsync(piece, SocketFlags.None, Cancel);
            await Eventually.ThatAsync(() => server.Available, available => available == 0 || detecting.IsCompleted, "the piece to be read");
        }

        var detection = await detecting;
        Assert.Equal(ArrivalKind.Mesh, detection.Kind);
        Assert.Equal(hello, detection.ReadAhead.ToArray());
    }

    [Fact]
    public async Task A_client_that_says_nothing_counts_as_plaintext_when_the_time_is_up()
    {
        var (client, server) = await ConnectAsync();
        using var _ = client;
        using var __ = server;

        var detection = await ProtocolDetector.DetectAsync(server, Own, TimeSpan.FromMilliseconds(50), Cancel);

        Assert.Equal((ArrivalKind.Plaintext, 0), (detection.Kind, detection.ReadAhead.Length));
    }

    [Fact]
    public async Task Half_a_ClientHello_counts_as_plaintext_when_the_time_is_up()
    {
        var half = (await ClientHellos.ForMeshAsync(Own))[..100];

        var detection = await DetectAsync(half, TimeSpan.FromMilliseconds(50));

        Assert.Equal(ArrivalKind.Plaintext, detection.Kind);
        Assert.Equal(half, detection.ReadAhead.ToArray());
    }

    [Fact]
    public async Task Half_a_ClientHello_and_the_end_is_plaintext()
    {
        var (client, server) = await ConnectAsync();
        using var _ = client;
        using var __ = server;
        await client.SendAsync((await ClientHellos.ForMeshAsync(Own)).AsMemory(0, 100), SocketFlags.None, Cancel);
        client.Shutdown(SocketShutdown.Send);

        var detection = await ProtocolDetector.DetectAsync(server, Own, Patience, Cancel);

        Assert.Equal((ArrivalKind.Plaintext, 100), (detection.Kind, detection.ReadAhead.Length));
    }

    [Fact]
    public async Task A_ClientHello_that_never_ends_is_not_gathered_without_limit()
    {
        var endless = new byte[4 * ClientHelloReader.MaxBytes];
        // A record of 16 KiB with a ClientHello of just under 16 MiB.
        byte[] head = [22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
        head.CopyTo(endless, 0);

        var detection = await DetectAsync(endless);

        Assert.Equal(ArrivalKind.Plaintext, detection.Kind);
        Assert.InRange(detection.ReadAhead.Length, 1, ClientHelloReader.MaxBytes);
    }

    [Fact]
    public async Task A_client_that_goes_before_it_says_anything_is_told_apart()
    {
        var (client, server) = await ConnectAsync();
        using var _ = server;
        client.Dispose();

        await Assert.ThrowsAsync<IOException>(() => ProtocolDetector.DetectAsync(server, Own, Patience, Cancel));
    }

    [Fact]
    public async Task Stopping_ends_the_wait()
    {
        var (client, server) = await ConnectAsync();
        using var _ = client;
        using var __ = server;
        using var stopping = new CancellationTokenSource();
        var detecting = ProtocolDetector.DetectAsync(server, Own, Patience, stopping.Token);

        await stopping.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => detecting);
    }

    private static async Task<Detection> DetectAsync(byte[] said, TimeSpan? patience = null)
    {
        var (client, server) = await ConnectAsync();
        using var _ = client;
        using var __ = server;
        await client.SendAsync(said, SocketFlags.None, Cancel);
        return await ProtocolDetector.DetectAsync(server, Own, patience ?? Patience, Cancel);
    }

    private static async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = TestApplication.Connect((IPEndPoint)listener.LocalEndPoint!);
        return (client, await listener.AcceptAsync(Cancel));
    }
}
