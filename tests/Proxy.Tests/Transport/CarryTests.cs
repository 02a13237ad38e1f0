using System.Net.Sockets;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>Bytes between two applications, through two proxies.</summary>
public sealed class CarryTests : IAsyncLifetime
{
    private const int Many = 8 * 1024 * 1024;

    private readonly ProxyPair _pair = new();

    [Fact]
    public async Task Millions_of_bytes_arrive_as_they_were_sent_both_ways_at_once()
    {
        await using var application = TestApplication.Echo();
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        var sent = TestBytes.Random(1, Many);

        var receiving = Reception.ReadAsync(client);
        foreach (var piece in TestBytes.InPieces(2, sent))
        {
            await TestApplication.SendAsync(client, piece);
        }

        client.Shutdown(SocketShutdown.Send);
        var received = await receiving;

        Assert.True(received.EndedCleanly, received.ToString());
        Assert.True(sent.AsSpan().SequenceEqual(received.Bytes), received.ToString());
    }

    [Fact]
    public async Task A_slow_reader_loses_nothing()
    {
        var started = new TaskCompletionSource();
        var received = new TaskCompletionSource<Reception>();
        await using var application = new TestApplication(async socket =>
        {
            // Nothing is read until everything that fits on the way is on the way.
            await started.Task;
            received.SetResult(await Reception.ReadAsync(socket, chunk: 1_000, pause: async () => await Task.Yield()));
        });
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        var sent = TestBytes.Random(3, Many);
        var sending = TestApplication.SendAsync(client, sent);
        await Eventually.ThatAsync(() => _pair.Voting.Edges.Snapshot().Sum(edge => edge.Now.FromOpener), count => count > 0, "the first bytes");

        started.SetResult();
        await sending;
        client.Shutdown(SocketShutdown.Send);

        var all = await received.Task;
        Assert.True(all.EndedCleanly && sent.AsSpan().SequenceEqual(all.Bytes), all.ToString());
    }

    [Fact]
    public async Task A_client_that_is_done_sending_still_receives()
    {
        var question = TestBytes.Random(4, 100_000);
        var answer = TestBytes.Random(5, 3_000_000);
        Reception? asked = null;
        await using var application = new TestApplication(async socket =>
        {
            asked = await Reception.ReadAsync(socket);
            await TestApplication.SendAsync(socket, answer);
            socket.Shutdown(SocketShutdown.Send);
        });
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        await TestApplication.SendAsync(client, question);
        client.Shutdown(SocketShutdown.Send);

        var answered = await Reception.ReadAsync(client);

        Assert.True(asked is { EndedCleanly: true } && question.AsSpan().SequenceEqual(asked.Bytes), $"{asked}");
        Assert.True(answered.EndedCleanly && answer.AsSpan().SequenceEqual(answered.Bytes), $"{answered}");
    }

    [Fact]
    public async Task An_application_that_is_done_sending_still_receives()
    {
        var greeting = TestBytes.Random(6, 100_000);
        var told = TestBytes.Random(7, 3_000_000);
        var heard = new TaskCompletionSource<Reception>();
        await using var application = new TestApplication(async socket =>
        {
            await TestApplication.SendAsync(socket, greeting);
            socket.Shutdown(SocketShutdown.Send);
            heard.SetResult(await Reception.ReadAsync(socket));
        });
        using var client = TestApplication.Connect(_pair.Connect(application.Address));

        var greeted = await Reception.ReadAsync(client);
        await TestApplication.SendAsync(client, told);
        client.Shutdown(SocketShutdown.Send);

        Assert.True(greeted.EndedCleanly && greeting.AsSpan().SequenceEqual(greeted.Bytes), $"{greeted}");
        var all = await heard.Task;
        Assert.True(all.EndedCleanly && told.AsSpan().SequenceEqual(all.Bytes), $"{all}");
    }

    [Fact]
    public async Task Both_proxies_count_the_connection_and_its_bytes_under_the_others_identity()
    {
        await using var application = new TestApplication(async socket =>
        {
            await Reception.ReadAsync(socket);
            await TestApplication.SendAsync(socket, new byte[3_000]);
            socket.Shutdown(SocketShutdown.Send);
        });
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        await TestApplication.SendAsync(client, new byte[70_000]);
        client.Shutdown(SocketShutdown.Send);
        await Reception.ReadAsync(client);

        var done = new EdgeSnapshot(Opened: 1, Open: 0, Closed: 1, Failed: 0, Refused: 0, FromOpener: 70_000, ToOpener: 3_000);
        await Eventually.EqualAsync(done, () => _pair.Web.Edge.Now);
        await Eventually.EqualAsync(done, () => _pair.Voting.Edge.Now);
        Assert.Equal(
            new EdgeKey(EdgeKind.Application, Direction.Outbound, _pair.VotingId.ToString(), "service.shop:8080", 8080, "true", "", "TLSv1.3"),
            _pair.Web.Edge.Key);
        Assert.Equal(
            new EdgeKey(
                EdgeKind.Application, Direction.Inbound, _pair.East.Web.ToString(), "", application.Address.Port, "true", "", "TLSv1.3"),
            _pair.Voting.Edge.Key);
    }

    [Fact]
    public async Task A_connection_is_counted_as_open_while_it_is()
    {
        await using var application = TestApplication.Echo();
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));

        Assert.Equal((1, 1, 0), (_pair.Web.Edge.Now.Opened, _pair.Web.Edge.Now.Open, _pair.Web.Edge.Now.Closed));
        Assert.Equal(1, _pair.Voting.Open);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_sides_reset_reaches_the_other_as_a_reset(bool byClient)
    {
        var connected = new TaskCompletionSource<Socket>();
        var atApplication = new TaskCompletionSource<Reception>();
        await using var application = new TestApplication(async socket =>
        {
            connected.SetResult(socket);
            atApplication.SetResult(await Reception.ReadAsync(socket));
        });
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        var served = await connected.Task;
        await Eventually.EqualAsync(5, () => _pair.Voting.Edge.Now.FromOpener);

        var reset = byClient ? client : served;
        reset.LingerState = new LingerOption(true, 0);
        reset.Close();

        Assert.False((byClient ? await atApplication.Task : await Reception.ReadAsync(client)).EndedCleanly);
        await Eventually.EqualAsync((1, 1), () => ((int)_pair.Web.Edge.Now.Failed, (int)_pair.Voting.Edge.Now.Failed));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_by_a_side_that_was_done_sending_reaches_the_other_though_that_one_says_nothing(bool byClient)
    {
        var connected = new TaskCompletionSource<Socket>();
        var end = new TaskCompletionSource();
        await using var application = new TestApplication(socket =>
        {
            connected.SetResult(socket);
            return end.Task;
        });
        using var client = TestApplication.Connect(_pair.Connect(application.Address));
        await TestApplication.SendAsync(client, "hello"u8.ToArray());
        var served = await connected.Task;
        var (leaving, staying) = byClient ? (client, served) : (served, client);
        leaving.Shutdown(SocketShutdown.Send);
        Assert.True((await Reception.ReadAsync(staying)).EndedCleanly);

        leaving.LingerState = new LingerOption(true, 0);
        leaving.Close();

        await Eventually.EqualAsync((1L, 1L), () => (_pair.Web.Edge.Now.Failed, _pair.Voting.Edge.Now.Failed));
        await Eventually.EqualAsync(0, () => _pair.Web.Open + _pair.Voting.Open);
        Assert.Throws<SocketException>(() => Enumerable.Range(0, 1_000).Sum(_ => staying.Send("x"u8)));
        end.SetResult();
    }

    [Fact]
    public async Task An_application_that_is_down_is_an_error_to_the_caller_with_a_line_and_a_count()
    {
        var application = TestApplication.Echo();
        var address = _pair.Connect(application.Address);
        await application.DisposeAsync();

        Assert.False((await Reception.OfAsync(address)).EndedCleanly);
        await _pair.Voting.Log.SaysAsync(5702, application.Address.ToString(), "refused");
        await Eventually.EqualAsync(1, () => _pair.Voting.Refused("inbound", "connect"));
        Assert.Equal((0, 1), (_pair.Voting.Edge.Now.Opened, _pair.Voting.Edge.Now.Refused));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _pair.DisposeAsync();
}
