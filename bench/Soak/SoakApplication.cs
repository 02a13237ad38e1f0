using System.Net;
using System.Net.Sockets;

namespace Mesh.Bench.Soak;

/// <summary>The application behind the pair: hears what a connection will be, and does its part of it.</summary>
internal sealed class SoakApplication : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SoakFindings _findings;
    private readonly Task _accepting;

    public SoakApplication(SoakFindings findings)
    {
        _findings = findings;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1_000);
        Address = _listener.LocalEndPoint!.ToString()!;
        _accepting = AcceptAsync();
    }

    public string Address { get; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync(_stopping.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var owned = client;
        client.NoDelay = true;
        if (await HeadAsync(client) is { } talk)
        {
            await new SoakEnd(client, talk, isClient: false, _findings).TalkAsync(_stopping.Token);
        }
    }

    // Null: the client had nothing to say, or was cut before it had said what it was; its own end knows whether that is right.
    private async Task<SoakTalk?> HeadAsync(Socket client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        limit.CancelAfter(SoakEnd.Patience);
        var head = new byte[SoakTalk.HeadBytes];
        try
        {
            for (var heard = 0; heard < head.Length;)
            {
                var read = await client.ReceiveAsync(head.AsMemory(heard), SocketFlags.None, limit.Token);
                if (read == 0)
                {
                    if (heard > 0)
                    {
                        _findings.Add(SoakOutcome.CutShort, heard, $"application, heard {heard} bytes of a head");
                    }

                    return null;
                }

                heard += read;
            }

            return SoakTalk.Read(head);
        }
        catch (SocketException)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            if (!_stopping.IsCancellationRequested)
            {
                _findings.Add(SoakOutcome.Stalled, 0, "application, before the head");
            }

            return null;
        }
    }
}
