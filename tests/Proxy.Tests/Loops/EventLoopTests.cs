using System.Net.Sockets;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Loops;

/// <summary>What is posted is done, what has come is read, and a loop that has ended touches nothing.</summary>
public sealed class EventLoopTests
{
    private const int Posts = 100_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whatever_is_posted_is_done_without_anything_else_to_wake_the_loop()
    {
        using var loop = new EventLoop(0);
        using var done = new SemaphoreSlim(0);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(
            () =>
            {
                for (var i = 0; i < Posts; i++)
                {
                    loop.Post(() => done.Release());
                }
            },
            Cancel)));

        await Eventually.EqualAsync(2 * Posts, () => done.CurrentCount);
    }

    [Fact]
    public async Task What_follows_urgent_data_is_read_without_waiting_for_more()
    {
        using var connection = await LoopConnection.OpenAsync();
        await connection.Client.SendAsync("before"u8.ToArray(), SocketFlags.None, Cancel);
        await connection.Client.SendAsync("!"u8.ToArray(), SocketFlags.OutOfBand, Cancel);
        await connection.Client.SendAsync("after"u8.ToArray(), SocketFlags.None, Cancel);

        var read = await connection.RunAsync(async () =>
        {
            connection.Server.Limit(TimeSpan.FromSeconds(10));
            var text = "";
            var buffer = new byte[64];
            while (!text.EndsWith("after", StringComparison.Ordinal) && await connection.Server.ReadableAsync())
            {
                text += System.Text.Encoding.UTF8.GetString(buffer, 0, Math.Max(connection.Server.Receive(buffer), 0));
            }

            return text;
        });

        // Urgent data is not in its place among the others, and no proxy passes it on.
        Assert.Equal("beforeafter", read);
    }

    [Fact]
    public void A_loop_that_has_ended_leaves_alone_whatever_has_its_descriptor_s_number_now()
    {
        var loops = Enumerable.Range(0, 8).Select(index => new EventLoop(index)).ToList();
        loops.ForEach(loop => loop.Dispose());
        using var listener = LoopbackPair.Listen(System.Net.IPAddress.Loopback);
        var pairs = Enumerable.Range(0, 16).Select(_ => (TestApplication.Connect((System.Net.IPEndPoint)listener.LocalEndPoint!), listener.Accept())).ToList();

        loops.ForEach(loop => loop.Post(() => { }));

        Assert.All(pairs, pair => Assert.False(pair.Item1.Poll(10_000, SelectMode.SelectRead) || pair.Item2.Poll(0, SelectMode.SelectRead)));
        pairs.ForEach(pair =>
        {
            pair.Item1.Dispose();
            pair.Item2.Dispose();
        });
    }
}
