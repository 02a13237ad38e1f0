using System.Buffers;
using System.Net.Sockets;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>Reads the first bytes of a connection until it is clear what it is, or the time is up.</summary>
internal static class ProtocolDetector
{
    private static readonly string[] HttpMethods = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH "];

    /// <param name="socket">The connection.</param>
    /// <param name="ownName">The SNI that means this workload.</param>
    /// <param name="timeout">After it, what came so far counts as plaintext.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What it is, and the bytes that were read to find out.</returns>
    /// <exception cref="IOException">The client has gone before it said anything.</exception>
    public static async Task<Detection> DetectAsync(Socket socket, string ownName, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ClientHelloReader.MaxBytes);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        var length = 0;
        try
        {
            while (true)
            {
                int read;
                try
                {
                    read = await socket.ReceiveAsync(buffer.AsMemory(length, ClientHelloReader.MaxBytes - length), SocketFlags.None, limit.Token);
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    // A client that waits for the server to speak, or that says half a hello: nothing that we terminate.
                    return Plaintext();
                }

                if (read == 0)
                {
                    return length > 0 ? Plaintext() : throw new IOException("The client has gone before it said anything.");
                }

                length += read;
                var hello = ClientHelloReader.Read(buffer.AsSpan(0, length));
                if (hello.Kind == ClientHelloKind.Incomplete && length < ClientHelloReader.MaxBytes)
                {
                    continue;
                }

                return hello.Kind switch
                {
                    ClientHelloKind.ClientHello when hello.ServerName == ownName && hello.Alpn.Contains(MeshProtocol.Tcp.ToString()) =>
                        new Detection(ArrivalKind.Mesh, Copy(), false),
                    ClientHelloKind.ClientHello => new Detection(ArrivalKind.OtherTls, Copy(), false),
                    _ => Plaintext(),
                };
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        Detection Plaintext() => new(
            ArrivalKind.Plaintext, Copy(), HttpMethods.Any(method => buffer.AsSpan(0, length).StartsWith(System.Text.Encoding.ASCII.GetBytes(method))));

        byte[] Copy() => buffer.AsSpan(0, length).ToArray();
    }
}

/// <summary>What a connection is, and the bytes that said so.</summary>
internal sealed record Detection(ArrivalKind Kind, ReadOnlyMemory<byte> ReadAhead, bool LooksLikeHttp);
