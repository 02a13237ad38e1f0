using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mesh.Bench.Lifecycle;

/// <summary>
/// An application that asks and is answered without a rest: over two connections that it keeps for good, over two that it replaces every
/// few seconds as a pool does, and twice over a new one for each request.
/// </summary>
internal sealed class RequestLoad : IAsyncDisposable
{
    // Of each client's connection; zero: one request.
    private static readonly TimeSpan[] Lifetimes =
        [TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4), TimeSpan.Zero, TimeSpan.Zero];

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly IPEndPoint _entrance;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    /// <param name="entrance">Where the application connects.</param>
    public RequestLoad(string entrance)
    {
        _entrance = IPEndPoint.Parse(entrance);
        _running = Task.WhenAll(Lifetimes.Select((lifetime, client) => Task.Run(() => RunAsync(client, lifetime))));
    }

    public ConcurrentQueue<AnsweredRequest> Answered { get; } = new();

    public ConcurrentQueue<FailedRequest> Failed { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync(int client, TimeSpan lifetime)
    {
        for (var number = 0; !_stopping.IsCancellationRequested;)
        {
            var opened = TimeProvider.System.GetTimestamp();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(_entrance, limit.Token);
                while (true)
                {
                    limit.CancelAfter(Patience);
                    await AskAsync(socket, $"{client}/{number++}", limit.Token);
                    var isLast = TimeProvider.System.GetElapsedTime(opened) > lifetime;
                    if (isLast)
                    {
                        await EndAsync(socket, limit.Token);
                    }

                    Answered.Enqueue(new AnsweredRequest(client, TimeProvider.System.GetTimestamp()));
                    limit.CancelAfter(Timeout.InfiniteTimeSpan);
                    await Task.Delay(Pause, TimeProvider.System, _stopping.Token);
                    if (isLast)
                    {
                        break;
                    }
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
            {
                Failed.Enqueue(new FailedRequest(opened, TimeProvider.System.GetTimestamp(), e.Message));
                await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    private static async Task AskAsync(Socket socket, string text, CancellationToken cancellationToken)
    {
        var question = Encoding.ASCII.GetBytes(text);
        await socket.SendAsync(question, cancellationToken);
        var answer = new byte[question.Length];
        for (var read = 0; read < answer.Length;)
        {
            var more = await socket.ReceiveAsync(answer.AsMemory(read), cancellationToken);
            read += more > 0 ? more : throw new IOException("The connection ended before the answer.");
        }

        if (!answer.AsSpan().SequenceEqual(question))
        {
            throw new IOException($"'{text}' was answered with '{Encoding.ASCII.GetString(answer)}'.");
        }
    }

    // A connection that is cut after its answer did not end well either.
    private static async Task EndAsync(Socket socket, CancellationToken cancellationToken)
    {
        socket.Shutdown(SocketShutdown.Send);
        if (await socket.ReceiveAsync(new byte[1], cancellationToken) != 0)
        {
            throw new IOException("More was answered than was asked.");
        }
    }
}

/// <param name="Client">Who asked.</param>
/// <param name="At">A timestamp of the system's clock.</param>
internal sealed record AnsweredRequest(int Client, long At);

/// <param name="OpenedAt">When its connection began.</param>
/// <param name="At">When it failed.</param>
internal sealed record FailedRequest(long OpenedAt, long At, string Why);
