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

        var (detection, left) = await DetectAsync(hello);

        Assert.Equal(ArrivalKind.Mesh, detection?.Kind);
        Assert.Equal(hello, left);
    }

    [Fact]
    public async Task Own_protocols_among_others_are_for_us()
    {
        Assert.Equal(ArrivalKind.Mesh, await KindAsync(await ClientHellos.CaptureAsync(Own, SslApplicationProtocol.Http2, MeshProtocol.Tcp)));
        Assert.Equal(ArrivalKind.Mesh, await KindAsync(await ClientHellos.CaptureAsync(Own, SslApplicationProtocol.Http2, MeshProtocol.Streams)));
    }

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

        var (detection, left) = await DetectAsync(hello);

        Assert.Equal((ArrivalKind.OtherTls, sni), (detection?.Kind, detection?.ServerName));
        Assert.Equal(hello, left);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", true)]
    [InlineData("POST /vote HTTP/1.1\r\n", true)]
    [InlineData("PRI * HTTP/2.0\r\n", false)]
    [InlineData("SSH-2.0-client\r\n", false)]
    [InlineData("\0\0\0\b", false)]
    public async Task What_is_no_TLS_is_plaintext_at_once(string said, bool looksLikeHttp)
    {
        var (detection, left) = await DetectAsync(System.Text.Encoding.Latin1.GetBytes(said));

        Assert.Equal((ArrivalKind.Plaintext, looksLikeHttp), (detection?.Kind, detection?.LooksLikeHttp));
        Assert.Equal(said, System.Text.Encoding.Latin1.GetString(left));
    }

    [Fact]
    public async Task A_ClientHello_in_many_segments_is_recognised()
    {
        using var connection = await LoopConnection.OpenAsync();
        var hello = await ClientHellos.ForMeshAsync(Own);
        var detecting = StartAsync(connection, Patience);
        foreach (var piece in hello.Chunk(11))
        {
            Assert.False(detecting.IsCompleted);
            await connection.Client.SendAsync(piece, SocketFlags.None, Cancel);
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, Cancel);
        }

        Assert.Equal(ArrivalKind.Mesh, (await detecting)?.Kind);
        Assert.Equal(hello, await ReadAsync(connection, hello.Length));
    }

    [Fact]
    public async Task A_client_that_says_nothing_counts_as_plaintext_when_the_time_is_up()
    {
        using var connection = await LoopConnection.OpenAsync();

        Assert.Equal(ArrivalKind.Plaintext, (await StartAsync(connection, TimeSpan.FromMilliseconds(50)))?.Kind);
    }

    [Fact]
    public async Task Half_a_ClientHello_counts_as_plaintext_when_the_time_is_up()
    {
        var half = (await ClientHellos.ForMeshAsync(Own))[..100];

        var (detection, left) = await DetectAsync(half, TimeSpan.FromMilliseconds(50));

        Assert.Equal(ArrivalKind.Plaintext, detection?.Kind);
        Assert.Equal(half, left);
    }

    [Fact]
    public async Task Half_a_ClientHello_and_the_end_is_plaintext()
    {
        using var connection = await LoopConnection.OpenAsync();
        await connection.Client.SendAsync((await ClientHellos.ForMeshAsync(Own)).AsMemory(0, 100), SocketFlags.None, Cancel);
        connection.Client.Shutdown(SocketShutdown.Send);

        Assert.Equal(ArrivalKind.Plaintext, (await StartAsync(connection, Patience))?.Kind);
    }

    [Fact]
    public async Task A_ClientHello_that_never_ends_is_not_waited_for()
    {
        var endless = new byte[4 * ClientHelloReader.MaxBytes];
        // A record of 16 KiB with a ClientHello of just under 16 MiB.
        byte[] head = [22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
        head.CopyTo(endless, 0);

        Assert.Equal(ArrivalKind.Plaintext, await KindAsync(endless));
    }

    [Fact]
    public async Task A_client_that_goes_before_it_says_anything_is_told_apart()
    {
        using var connection = await LoopConnection.OpenAsync();
        connection.Client.Dispose();

        Assert.Null(await StartAsync(connection, Patience));
    }

    [Fact]
    public async Task Closing_the_socket_ends_the_wait()
    {
        using var connection = await LoopConnection.OpenAsync();
        var detecting = StartAsync(connection, Patience);

        connection.Loop.Post(connection.Server.Abort);

        Assert.Null(await detecting);
    }

    private static Task<Detection?> StartAsync(LoopConnection connection, TimeSpan patience) =>
        connection.RunAsync(() => ProtocolDetector.DetectAsync(connection.Server, Own, patience));

    private static async Task<ArrivalKind?> KindAsync(byte[] said) => (await DetectAsync(said)).Detection?.Kind;

    // What it is, and what is still there to be read.
    private static async Task<(Detection? Detection, byte[] Left)> DetectAsync(byte[] said, TimeSpan? patience = null)
    {
        using var connection = await LoopConnection.OpenAsync();
        await connection.Client.SendAsync(said, SocketFlags.None, Cancel);
        var detection = await StartAsync(connection, patience ?? Patience);
        return (detection, await ReadAsync(connection, said.Length));
    }

    private static Task<byte[]> ReadAsync(LoopConnection connection, int count) => connection.RunAsync(async () =>
    {
        var read = new List<byte>();
        var buffer = new byte[4_096];
        while (read.Count < count && await connection.Server.ReadableAsync())
        {
            read.AddRange(buffer.AsSpan(0, Math.Max(connection.Server.Receive(buffer), 0)));
        }

        return read.ToArray();
    });
}
