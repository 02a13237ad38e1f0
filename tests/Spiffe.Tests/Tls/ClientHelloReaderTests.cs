using System.Net.Security;

namespace Mesh.Spiffe.Tests;

/// <summary>Recognising TLS in the first bytes of a connection.</summary>
public sealed class ClientHelloReaderTests
{
    private static byte[] Hello { get; } = Capture("Web.shop.east.example", "mesh/1", "h2");

    [Fact]
    public void A_real_ClientHello_is_read()
    {
        var result = ClientHelloReader.Read(Hello);
        Assert.Equal(ClientHelloKind.ClientHello, result.Kind);
        Assert.Equal("web.shop.east.example", result.ServerName);
        Assert.Equal(["mesh/1", "h2"], result.Alpn);
    }

    [Fact]
    public void A_ClientHello_without_name_or_protocols_is_read()
    {
        var result = ClientHelloReader.Read(Capture(""));
        Assert.Equal(ClientHelloKind.ClientHello, result.Kind);
        Assert.Null(result.ServerName);
        Assert.Empty(result.Alpn);
    }

    [Fact]
    public void Every_prefix_is_incomplete_and_bytes_behind_it_do_not_matter()
    {
        for (var i = 0; i < Hello.Length; i++)
        {
            Assert.Equal(ClientHelloKind.Incomplete, ClientHelloReader.Read(Hello.AsSpan(0, i)).Kind);
        }

        Assert.Equal(ClientHelloKind.ClientHello, ClientHelloReader.Read([.. Hello, 1, 2, 3]).Kind);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    public void A_ClientHello_in_several_records_is_read(int bytesInRecord)
    {
        var split = Split(Hello, bytesInRecord);
        Assert.Equal("web.shop.east.example", ClientHelloReader.Read(split).ServerName);
        for (var i = 0; i < split.Length; i++)
        {
            Assert.Equal(ClientHelloKind.Incomplete, ClientHelloReader.Read(split.AsSpan(0, i)).Kind);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n")]
    [InlineData("\u0016GET")]
    [InlineData("\u0016\u0003\u0009")]
    [InlineData("\u0015\u0003\u0001\u0000\u0002")]
    [InlineData("\u0016\u0003\u0001\u0000\u0000")]
    [InlineData("\u0016\u0003\u0001\u0000\u0004\u0002")]
    [InlineData("\u0016\u0003\u0001\u0000\u0004\u0001\u0001\u0000\u0000")]
    public void Other_bytes_are_not_TLS_as_soon_as_they_can_not_become_it(string text) =>
        Assert.Equal(ClientHelloKind.NotTls, ClientHelloReader.Read(System.Text.Encoding.Latin1.GetBytes(text)).Kind);

    [Fact]
    public void What_does_not_end_within_16_KiB_is_not_TLS()
    {
        // One byte a record, for ever: a message that never gets whole.
        byte[] record = [22, 3, 1, 0, 1, 1];
        var endless = Enumerable.Repeat(record, 3).SelectMany(bytes => bytes).ToList();
        endless[^1] = 0;
        while (endless.Count < ClientHelloReader.MaxBytes)
        {
            endless.AddRange([22, 3, 1, 0, 1, 0]);
        }

        endless[11] = 0;
        endless[17] = 0x3f;
        Assert.Equal(ClientHelloKind.Incomplete, ClientHelloReader.Read(endless.Take(1000).ToArray()).Kind);
        Assert.Equal(ClientHelloKind.NotTls, ClientHelloReader.Read(endless.ToArray()).Kind);
    }

    [Fact]
    public void Nothing_is_allocated_before_the_message_is_whole()
    {
        var prefix = Hello.AsSpan(0, Hello.Length - 1).ToArray();
        ClientHelloReader.Read(prefix);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            ClientHelloReader.Read(prefix);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    internal static byte[] Capture(string serverName, params string[] protocols)
    {
        using var wire = new MemoryStream();
        using var stream = new SslStream(new WriteOnly(wire));
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = serverName,
            ApplicationProtocols = protocols.Length == 0 ? null : [.. protocols.Select(name => new SslApplicationProtocol(name))],
        };
        Assert.ThrowsAny<Exception>(() => stream.AuthenticateAsClient(options));
        return wire.ToArray();
    }

    private static byte[] Split(byte[] hello, int bytesInRecord) =>
        [.. hello.Skip(5).Chunk(bytesInRecord).SelectMany(chunk => (byte[])[22, 3, 1, 0, (byte)chunk.Length, .. chunk])];

    /// <summary>Takes what is written, and ends when read.</summary>
    private sealed class WriteOnly(MemoryStream wire) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => wire.Write(buffer, offset, count);
    }
}
