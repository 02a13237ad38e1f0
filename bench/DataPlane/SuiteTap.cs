using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Mesh.Bench.DataPlane;

/// <summary>Stands between two proxies and passes everything on; of the first connection it remembers what the ServerHello chose.</summary>
internal sealed class SuiteTap : IAsyncDisposable
{
    // Record header, handshake header, version, random; then the session's ID with its length (RFC 8446 §§4.1.3, 5.1).
    private const int SessionIdAt = 5 + 4 + 2 + 32;
    private const byte HandshakeRecord = 22;
    private const byte ServerHello = 2;

    private readonly TcpListener _listener;
    private readonly IPEndPoint _inbound;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<TlsCipherSuite> _suite = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _passing;

    public SuiteTap(IPEndPoint listen, IPEndPoint inbound)
    {
        _inbound = inbound;
        _listener = new TcpListener(listen);
        _listener.Start();
        _passing = PassAsync();
    }

    /// <summary>What was chosen.</summary>
    public Task<TlsCipherSuite> SuiteAsync(TimeSpan patience) => _suite.Task.WaitAsync(patience);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _passing;
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task PassAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                using var server = new TcpClient();
                await server.ConnectAsync(_inbound, _stopping.Token);
                var up = client.GetStream().CopyToAsync(server.GetStream(), _stopping.Token);
                await DownAsync(server.GetStream(), client.GetStream());
                client.Close();
                server.Close();
                await up.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // The end, or no connection: whoever waits for the suite says so.
            _suite.TrySetException(e);
        }
    }

    private async Task DownAsync(NetworkStream server, NetworkStream client)
    {
        var buffer = new byte[32 * 1024];
        var hello = new MemoryStream();
        int read;
        while ((read = await server.ReadAsync(buffer, _stopping.Token)) > 0)
        {
            if (!_suite.Task.IsCompleted)
            {
                hello.Write(buffer, 0, read);
                Look(hello.ToArray());
            }

            await client.WriteAsync(buffer.AsMemory(0, read), _stopping.Token);
        }
    }

    private void Look(byte[] said)
    {
        if (said.Length > SessionIdAt && said.Length >= SessionIdAt + 1 + said[SessionIdAt] + 2)
        {
            _ = said[0] == HandshakeRecord && said[5] == ServerHello
                ? _suite.TrySetResult((TlsCipherSuite)BinaryPrimitives.ReadUInt16BigEndian(said.AsSpan(SessionIdAt + 1 + said[SessionIdAt])))
                : _suite.TrySetException(new InvalidDataException("The inbound proxy did not answer with a ServerHello."));
        }
    }
}
