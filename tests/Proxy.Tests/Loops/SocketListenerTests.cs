using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Tests.Loops;

public sealed class SocketListenerTests : IDisposable
{
    private readonly LoopGroup _loops = new(count: 2);
    private readonly LogCapture _log = new();

    [Fact]
    public async Task At_its_limit_further_connections_wait_for_one_to_end()
    {
        var ends = new[] { new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource() };
        var served = 0;
        using var stopping = new CancellationTokenSource();
        using var listener = Listen(maxConnections: 2);
        var running = listener.RunAsync(_ => ends[Interlocked.Increment(ref served) - 1].Task, stopping.Token);
        using var first = TestApplication.Connect(listener.Address);
        using var second = TestApplication.Connect(listener.Address);
        await Eventually.EqualAsync(2, () => listener.Open);
        using var third = TestApplication.Connect(listener.Address);
        // A place is taken before the connection is served.
        await Eventually.EqualAsync(2, () => Volatile.Read(ref served));

        ends[0].SetResult();

        await Eventually.EqualAsync(3, () => Volatile.Read(ref served));
        Assert.Equal(2, listener.Open);
        ends[1].SetResult();
        ends[2].SetResult();
        await Eventually.EqualAsync(0, () => listener.Open);
        await stopping.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Told_to_stop_it_refuses_newcomers_and_counts_those_who_are_still_served()
    {
        var end = new TaskCompletionSource();
        using var stopping = new CancellationTokenSource();
        using var listener = Listen(maxConnections: 10);
        var address = listener.Address;
        var running = listener.RunAsync(_ => end.Task, stopping.Token);
        using var client = TestApplication.Connect(listener.Address);
        await Eventually.EqualAsync(1, () => listener.Open);

        await stopping.CancelAsync();
        await running;

        var refusal = Assert.Throws<SocketException>(() => TestApplication.Connect(address));
        Assert.Equal(SocketError.ConnectionRefused, refusal.SocketErrorCode);
        Assert.Equal(1, listener.Open);
        end.SetResult();
        await Eventually.EqualAsync(0, () => listener.Open);
    }

    [Fact]
    public async Task At_its_limit_those_who_connect_and_say_nothing_make_room_for_others()
    {
        var served = 0;
        using var stopping = new CancellationTokenSource();
        using var listener = Listen(maxConnections: 8);
        var address = listener.Address;
        var running = listener.RunAsync(
            async socket =>
            {
                Interlocked.Increment(ref served);
                await socket.ReadableAsync();
                listener.IsKnown(socket);
                // Until it is closed.
                await socket.MoreAsync();
            },
            stopping.Token);
        var known = Enumerable.Range(0, 4).Select(_ => TestApplication.Connect(address)).ToList();
        foreach (var socket in known)
        {
            await TestApplication.SendAsync(socket, "hello"u8.ToArray());
        }

        var silent = Enumerable.Range(0, 30).Select(_ => TestApplication.Connect(address)).ToList();

        await Eventually.EqualAsync(34, () => Volatile.Read(ref served));
        Assert.All(known, socket => Assert.False(socket.Poll(0, SelectMode.SelectRead)));
        // Each event loop may have asked one to go.
        await Eventually.ThatAsync(() => silent.Count(socket => socket.Poll(0, SelectMode.SelectRead)), gone => gone >= 26, "26 that have gone");
        known.Concat(silent).ToList().ForEach(socket => socket.Dispose());
        await stopping.CancelAsync();
        await running;
    }

    [Fact]
    public async Task A_fault_that_nobody_awaits_is_logged_and_gives_its_place_back()
    {
        using var stopping = new CancellationTokenSource();
        using var listener = Listen(maxConnections: 1);
        var running = listener.RunAsync(_ => throw new InvalidOperationException("nobody foresaw it"), stopping.Token);

        using var first = TestApplication.Connect(listener.Address);
        using var second = TestApplication.Connect(listener.Address);

        await Eventually.EqualAsync(2, () => _log.Of(5002).Count());
        await Eventually.EqualAsync(0, () => listener.Open);
        await stopping.CancelAsync();
        await running;
    }

    [Fact]
    public async Task A_crowd_is_let_in_a_few_at_a_time_and_others_have_their_turn_between()
    {
        const int MaxAtOnce = 8;
        using var one = new LoopGroup(count: 1);
        using var stopping = new CancellationTokenSource();
        using var listener = Listen(maxConnections: 1_000, one);
        var crowd = Enumerable.Range(0, 100).Select(_ => TestApplication.Connect(listener.Address)).ToList();
        var turn = 0;
        var servedInTurn = new ConcurrentDictionary<int, int>();
        void NextTurn()
        {
            turn++;
            if (!stopping.IsCancellationRequested)
            {
                one.Loops[0].Post(NextTurn);
            }
        }

        one.Loops[0].Post(NextTurn);
        var running = listener.RunAsync(
            _ =>
            {
                servedInTurn.AddOrUpdate(turn, 1, (_, count) => count + 1);
                return Task.CompletedTask;
            },
            stopping.Token);

        await Eventually.EqualAsync(crowd.Count, () => servedInTurn.Values.Sum());
        Assert.InRange(servedInTurn.Values.Max(), 1, MaxAtOnce);
        await stopping.CancelAsync();
        await running;
        crowd.ForEach(socket => socket.Dispose());
    }

    public void Dispose() => _loops.Dispose();

    private SocketListener Listen(int maxConnections, LoopGroup? loops = null) => new(
        new IPEndPoint(IPAddress.Loopback, 0), maxConnections, loops ?? _loops,
        new Troubles("inbound", new RefusalCounters(), TimeProvider.System, _log.Factory.CreateLogger<Troubles>()));
}
