using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Spiffe.Tests;

/// <summary>Real handshakes over loopback.</summary>
public sealed class SvidTlsTests : IDisposable
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly SvidCredential _web;
    private readonly SvidCredential _silo;
    private readonly SvidVerifier _verifier = new(new FakeTimeProvider(TestTrustDomain.Now));

    public SvidTlsTests() => (_web, _silo) = (_east.Credential(), _east.Credential(_east.Silo));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_sides_see_the_others_identity_with_its_intermediates()
    {
        IReadOnlyList<ReadOnlyMemory<byte>> seenByServer = [], seenByClient = [];

        await HandshakeAsync(
            SvidTls.Server(_silo, chain => Expect(_east.Web, seenByServer = chain), null),
            SvidTls.Client(_web, _east.Silo.DnsName, chain => Expect(_east.Silo, seenByClient = chain), null),
            (server, client) =>
            {
                Assert.Equal(SslProtocols.Tls13, server.SslProtocol);
                Assert.Equal(_east.Silo.DnsName, server.TargetHostName);
                Assert.True(client.IsAuthenticated && server.IsMutuallyAuthenticated);
            });

        Assert.Equal(Hex(_web.Svid.Chain), Hex(seenByServer));
        Assert.Equal(Hex(_silo.Svid.Chain), Hex(seenByClient));
    }

    [Fact]
    public async Task Several_intermediates_all_arrive()
    {
        var upper = _east.Anchor.Issue(TestTrustDomain.Authority("CN=upper", 1));
        var lower = upper.Issue(TestTrustDomain.Authority("CN=lower", 0));
        var leaf = _east.Leaf(issuer: lower);
        using var web = SvidCredential.Create(TestTrustDomain.Der(leaf, lower, upper), leaf.Key);

        await HandshakeAsync(
            SvidTls.Server(_silo, chain => Expect(_east.Web, chain), null),
            SvidTls.Client(web, "silo", chain => Expect(_east.Silo, chain), null));
    }

    [Fact]
    public async Task The_same_options_serve_many_handshakes_and_gather_nothing()
    {
        var lengths = new List<int>();
        var server = SvidTls.Server(_silo, chain => Count(chain), null);
        var client = SvidTls.Client(_web, "silo", chain => Count(chain), null);
        for (var i = 0; i < 5; i++)
        {
            await HandshakeAsync(server, client);
        }

        Assert.Equal(Enumerable.Repeat(2, 10), lengths);

        SvidVerification Count(IReadOnlyList<ReadOnlyMemory<byte>> chain)
        {
            lock (lengths)
            {
                lengths.Add(chain.Count);
            }

            return _verifier.Verify(chain, _east.Bundle);
        }
    }

    [Fact]
    public async Task A_client_whose_identity_is_not_expected_is_refused() =>
        await RefusedAsync(
            SvidTls.Server(_silo, chain => Expect(_east.Silo, chain), null),
            SvidTls.Client(_web, "silo", chain => Expect(_east.Silo, chain), null));

    [Fact]
    public async Task A_server_whose_identity_is_not_expected_is_refused() =>
        await RefusedAsync(
            SvidTls.Server(_silo, chain => Expect(_east.Web, chain), null),
            SvidTls.Client(_web, "silo", chain => Expect(_east.Web, chain), null));

    [Fact]
    public async Task A_client_without_a_certificate_is_refused()
    {
        var seen = -1;
        await RefusedAsync(
            SvidTls.Server(_silo, chain => Expect(_east.Web, Note(chain)), null),
            SvidTls.Client(null, "silo", chain => Expect(_east.Silo, chain), null));
        Assert.Equal(0, seen);

        IReadOnlyList<ReadOnlyMemory<byte>> Note(IReadOnlyList<ReadOnlyMemory<byte>> chain)
        {
            seen = chain.Count;
            return chain;
        }
    }

    [Fact]
    public async Task A_client_without_a_certificate_may_enroll_and_still_checks_the_server()
    {
        await HandshakeAsync(
            SvidTls.ServerWithoutClientCertificate(_silo, null),
            SvidTls.Client(null, "silo", chain => Expect(_east.Silo, chain), null),
            (server, _) => Assert.Null(server.RemoteCertificate));

        var impostor = new TestTrustDomain("east.example");
        using var falseSilo = impostor.Credential(impostor.Silo);
        await RefusedAsync(
            SvidTls.ServerWithoutClientCertificate(falseSilo, null),
            SvidTls.Client(null, "silo", chain => Expect(_east.Silo, chain), null));
    }

    [Fact]
    public async Task TLS_1_2_is_refused_on_either_side()
    {
        var oldClient = SvidTls.Client(_web, "silo", chain => Expect(_east.Silo, chain), null);
        oldClient.EnabledSslProtocols = SslProtocols.Tls12;
        await RefusedAsync(SvidTls.Server(_silo, chain => Expect(_east.Web, chain), null), oldClient);

        var oldServer = SvidTls.Server(_silo, chain => Expect(_east.Web, chain), null);
        oldServer.EnabledSslProtocols = SslProtocols.Tls12;
        await RefusedAsync(oldServer, SvidTls.Client(_web, "silo", chain => Expect(_east.Silo, chain), null));
    }

    [Fact]
    public async Task Every_handshake_is_a_full_one()
    {
        var checks = 0;
        var server = SvidTls.Server(_silo, chain => Expect(_east.Web, Note(chain)), null);
        for (var i = 0; i < 3; i++)
        {
            await HandshakeAsync(server, SvidTls.Client(_web, "silo", chain => Expect(_east.Silo, chain), null), (s, c) =>
            {
                Assert.Equal(_web.Svid.SerialNumber, s.RemoteCertificate!.GetSerialNumberString(), ignoreCase: true);
                Assert.Equal(_silo.Svid.SerialNumber, c.RemoteCertificate!.GetSerialNumberString(), ignoreCase: true);
            });
        }

        // A resumed session shows no certificate, so that nothing would be checked.
        Assert.Equal(3, checks);
        Assert.False(server.AllowTlsResume);

        IReadOnlyList<ReadOnlyMemory<byte>> Note(IReadOnlyList<ReadOnlyMemory<byte>> chain)
        {
            Interlocked.Increment(ref checks);
            return chain;
        }
    }

    [Fact]
    public async Task Protocols_are_negotiated()
    {
        var mesh = new SslApplicationProtocol("mesh/1");
        await HandshakeAsync(
            SvidTls.Server(_silo, chain => Expect(_east.Web, chain), [SslApplicationProtocol.Http2, mesh]),
            SvidTls.Client(_web, "silo", chain => Expect(_east.Silo, chain), [mesh]),
            (server, client) => Assert.Equal((mesh, mesh), (server.NegotiatedApplicationProtocol, client.NegotiatedApplicationProtocol)));
    }

    public void Dispose()
    {
        _web.Dispose();
        _silo.Dispose();
    }

    private SvidVerification Expect(SpiffeId id, IReadOnlyList<ReadOnlyMemory<byte>> chain) => _verifier.Verify(chain, _east.Bundle, id);

    private static async Task RefusedAsync(SslServerAuthenticationOptions server, SslClientAuthenticationOptions client) =>
        await Assert.ThrowsAnyAsync<Exception>(() => HandshakeAsync(server, client));

    /// <summary>A handshake and one byte each way, as a TLS 1.3 client learns of a refusal only when it reads.</summary>
    private static async Task HandshakeAsync(
        SslServerAuthenticationOptions serverOptions,
        SslClientAuthenticationOptions clientOptions,
        Action<SslStream, SslStream>? check = null)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var clientSocket = new TcpClient();
        await clientSocket.ConnectAsync((IPEndPoint)listener.LocalEndpoint, Cancel);
        using var serverSocket = await listener.AcceptTcpClientAsync(Cancel);
        await using var client = new SslStream(clientSocket.GetStream());
        await using var server = new SslStream(serverSocket.GetStream());

        await Task.WhenAll(Serve(), Connect());
        check?.Invoke(server, client);

        async Task Serve()
        {
            try
            {
                await server.AuthenticateAsServerAsync(serverOptions, Cancel);
                await server.WriteAsync(new byte[] { 1 }, Cancel);
                await server.ReadExactlyAsync(new byte[1], Cancel);
            }
            catch
            {
                serverSocket.Close();
                throw;
            }
        }

        async Task Connect()
        {
            try
            {
                await client.AuthenticateAsClientAsync(clientOptions, Cancel);
                await client.WriteAsync(new byte[] { 2 }, Cancel);
                await client.ReadExactlyAsync(new byte[1], Cancel);
            }
            catch
            {
                clientSocket.Close();
                throw;
            }
        }
    }

    private static IEnumerable<string> Hex(IReadOnlyList<ReadOnlyMemory<byte>> chain) => chain.Select(der => Convert.ToHexString(der.Span));
}
