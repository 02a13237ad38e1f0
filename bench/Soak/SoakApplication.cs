using System.Net.Sockets;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Soak;

/// <summary>The application behind the pair: hears what a connection will be, and does its part of it.</summary>
internal sealed class SoakApplication : IAsyncDisposable
{
    private readonly SoakFindings _findings;
    private readonly LocalServer _server;

    public SoakApplication(SoakFindings findings)
    {
        _findings = findings;
        _server = new LocalServer(ServeAsync, backlog: 1_000);
    }

    public string Address => _server.Address.ToString();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(Socket client, CancellationToken stopping)
    {
        client.NoDelay = true;
        if (await HeadAsync(client, stopping) is { } talk)
        {
            await new SoakEnd(client, talk, isClient: false, _findings).TalkAsync(stopping);
        }
    }

    // Null: the client had nothing to say, or was cut before it had said what it was; its own end knows whether that is right.
    private async Task<SoakTalk?> HeadAsync(Socket client, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
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
            if (!stopping.IsCancellationRequested)
            {
                _findings.Add(SoakOutcome.Stalled, 0, "application, before the head");
            }

            return null;
        }
    }
}
