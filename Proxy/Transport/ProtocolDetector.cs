using Mesh.Proxy.Loops;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>Looks at the first bytes of a connection until it is clear what it is, or the time is up; they stay there to be read.</summary>
internal static class ProtocolDetector
{
    /// <param name="socket">The connection.</param>
    /// <param name="ownName">The SNI that means this workload.</param>
    /// <param name="timeout">After it, what came so far counts as plaintext.</param>
    /// <returns>What it is; null: the client has gone before it said anything.</returns>
    public static async ValueTask<Detection?> DetectAsync(LoopSocket socket, string ownName, TimeSpan timeout)
    {
        socket.Limit(timeout);
        try
        {
            while (true)
            {
                if (!await socket.ReadableAsync())
                {
                    // A client that waits for the server to speak, or that says half a hello: nothing that we terminate.
                    return socket.IsLate ? Plaintext(socket) : null;
                }

                var scratch = socket.Loop.Scratch.AsSpan(0, ClientHelloReader.MaxBytes);
                var length = socket.Peek(scratch);
                if (length == LoopSocket.WouldBlock)
                {
                    continue;
                }

                if (length <= 0)
                {
                    return null;
                }

                var hello = ClientHelloReader.Read(scratch[..length]);
                if (hello.Kind != ClientHelloKind.Incomplete || socket.HasHungUp)
                {
                    return Judge(hello, ownName, scratch[..length]);
                }

                await socket.MoreAsync();
            }
        }
        finally
        {
            socket.LiftLimit();
            socket.HasMore();
        }
    }

    private static Detection Judge(ClientHelloResult hello, string ownName, ReadOnlySpan<byte> said) => hello.Kind switch
    {
        ClientHelloKind.ClientHello when hello.ServerName == ownName && hello.Alpn.Any(MeshProtocol.IsOurs) => new(ArrivalKind.Mesh, "", false),
        ClientHelloKind.ClientHello => new(ArrivalKind.OtherTls, hello.ServerName ?? "", false),
        _ => new(ArrivalKind.Plaintext, "", LooksLikeHttp(said)),
    };

    private static Detection Plaintext(LoopSocket socket)
    {
        var scratch = socket.Loop.Scratch.AsSpan(0, ClientHelloReader.MaxBytes);
        socket.HasMore();
        return new Detection(ArrivalKind.Plaintext, "", LooksLikeHttp(scratch[..Math.Max(socket.Peek(scratch), 0)]));
    }

    private static bool LooksLikeHttp(ReadOnlySpan<byte> said) =>
        said.StartsWith("GET "u8) || said.StartsWith("HEAD "u8) || said.StartsWith("POST "u8) || said.StartsWith("PUT "u8)
        || said.StartsWith("DELETE "u8) || said.StartsWith("OPTIONS "u8) || said.StartsWith("PATCH "u8);
}

/// <summary>What a connection is.</summary>
/// <param name="Kind">What it turned out to be.</param>
/// <param name="ServerName">The name that TLS which is not ours asks for; empty where there is none.</param>
/// <param name="LooksLikeHttp">The first bytes are an HTTP/1 request's.</param>
internal sealed record Detection(ArrivalKind Kind, string ServerName, bool LooksLikeHttp);
