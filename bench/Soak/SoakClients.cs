using System.Net;
using System.Net.Sockets;

namespace Mesh.Bench.Soak;

/// <summary>Clients that make one connection after the other, each of a kind by chance.</summary>
internal sealed class SoakClients : IAsyncDisposable
{
    private const int Clients = 32;

    private readonly IPEndPoint _entrance;
    private readonly SoakFindings _findings;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _running;

    public SoakClients(string entrance, SoakFindings findings)
    {
        (_entrance, _findings) = (IPEndPoint.Parse(entrance), findings);
        _running = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => RunAsync(new Random(client)))));
    }

    /// <summary>Those under way come to their ends; none is cut.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _ending.Dispose();
    }

    private async Task RunAsync(Random random)
    {
        while (!_ending.IsCancellationRequested)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            var talk = SoakTalk.Draw(random);
            try
            {
                await socket.ConnectAsync(_entrance);
                _findings.AddConnection();
                if (talk.Kind == SoakKind.Silent)
                {
                    continue;
                }

                await socket.SendAsync(talk.ToHead());
            }
            catch (SocketException e)
            {
                _findings.Add(SoakOutcome.Reset, 0, $"client, at its beginning, {talk}: {e.Message}");
                continue;
            }

            await new SoakEnd(socket, talk, isClient: true, _findings).TalkAsync(CancellationToken.None);
        }
    }
}
