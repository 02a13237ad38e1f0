using System.Net.Security;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Fuzzing;

/// <summary>The first bytes of a connection, real ones and what can be made of them.</summary>
public sealed class ClientHelloFuzzTests
{
    private const int MaxNameCharacters = 253;

    [Fact(Explicit = true)]
    public async Task A_verdict_once_given_stays_whatever_follows_and_nothing_is_thrown()
    {
        byte[][] hellos =
        [
            await ClientHellos.ForMeshAsync("voting.shop.east.example"),
            await ClientHellos.CaptureAsync("emoji.shop.east.example", SslApplicationProtocol.Http2, MeshProtocol.Streams),
            await ClientHellos.CaptureAsync(""),
        ];

        Fuzzer.Run(random =>
        {
            var wire = Fuzzer.Mutate(random, InRecords(random, hellos[random.Next(hellos.Length)]));
            var whole = ClientHelloReader.Read(wire);
            Assert.True(whole.ServerName is null or { Length: <= MaxNameCharacters }, "the name is longer than names are");
            Assert.True(whole.Alpn.Sum(name => name.Length) <= ClientHelloReader.MaxBytes, "more protocols than bytes");
            // As a socket would show it, more each time.
            ClientHelloResult? first = null;
            for (var length = 0; length <= wire.Length; length += random.Next(1, 200))
            {
                var so = ClientHelloReader.Read(wire.AsSpan(0, length));
                Assert.True(first is null || Same(first, so), $"at {length} bytes it is another: {first} then {so}");
                first ??= so.Kind == ClientHelloKind.Incomplete ? null : so;
            }

            Assert.True(first is null || Same(first, whole), $"in one piece it is another: {first} then {whole}");
        });
    }

    private static bool Same(ClientHelloResult one, ClientHelloResult other) =>
        (one.Kind, one.ServerName) == (other.Kind, other.ServerName) && one.Alpn.SequenceEqual(other.Alpn);

    // The same message over several records (RFC 8446 §5.1).
    private static byte[] InRecords(Random random, byte[] hello)
    {
        if (random.Next(2) == 0)
        {
            return hello;
        }

        List<byte> wire = [];
        for (var at = 5; at < hello.Length;)
        {
            var count = Math.Min(hello.Length - at, random.Next(1, 300));
            wire.AddRange([22, 3, 1, (byte)(count >> 8), (byte)count, .. hello.AsSpan(at, count)]);
            at += count;
        }

        return [.. wire];
    }
}
