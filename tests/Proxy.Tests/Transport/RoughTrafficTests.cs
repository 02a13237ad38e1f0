using System.Collections.Concurrent;
using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>Descriptors are the whole process's: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(RoughTraffic), DisableParallelization = true)]
public sealed class RoughTraffic;

/// <summary>Many connections at once, as rough as a network and two applications can be; from a seed.</summary>
[Collection(nameof(RoughTraffic))]
public sealed class RoughTrafficTests
{
    private const int Connections = 200;
    private const int AtOnce = 24;
    private const int MaxBytes = 500_000;

    [Theory]
    [InlineData(8, 1)]
    [InlineData(0, 2)]
    public async Task In_random_chunks_with_slow_readers_half_closes_and_resets_every_byte_is_right_and_nothing_is_left(int maxIdle, int seed)
    {
        // What the runtime keeps for all sockets is there by then.
        await TestApplication.Echo().DisposeAsync();
        var before = Descriptors();
        var clean = await CarryAsync(maxIdle, seed);

        Assert.InRange(clean, Connections / 3, Connections - 1);
        // What waits for a finalizer is no leak.
        await Eventually.ThatAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return Descriptors();
            },
            now => now <= before, $"no more than {before} descriptors");
    }

    // Sockets, event loops and what wakes them; the runtime opens its assemblies when it needs them.
    private static int Descriptors() => new DirectoryInfo("/proc/self/fd").GetFileSystemInfos()
        .Count(descriptor => descriptor.LinkTarget is { } target && (target.StartsWith("socket:", StringComparison.Ordinal) || target.StartsWith("anon_inode:", StringComparison.Ordinal)));

    // How many ended as they should when nobody resets them.
    private static async Task<int> CarryAsync(int maxIdle, int seed)
    {
        await using var pair = new ProxyPair(maxIdle: maxIdle);
        var plans = Enumerable.Range(0, Connections).Select(index => new Plan(seed, index)).ToList();
        var atServer = new ConcurrentDictionary<int, Reception>();
        await using var application = new TestApplication(async socket =>
        {
            var index = new byte[1];
            if (await socket.ReceiveAsync(index, SocketFlags.None) == 1)
            {
                var plan = plans[index[0]];
                atServer[index[0]] = await plan.Server.RunAsync(socket, []);
            }
        });
        var address = pair.Connect(application.Address);
        var atClient = new Reception[Connections];
        await Parallel.ForAsync(
            0, Connections, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken },
            async (index, _) =>
            {
                using var socket = TestApplication.Connect(address);
                atClient[index] = await plans[index].Client.RunAsync(socket, [(byte)index]);
            });

        await Eventually.EqualAsync(0, () => pair.Web.Open + pair.Voting.Open);
        foreach (var plan in plans)
        {
            var isReset = plan.Client.ResetsAfter is not null || plan.Server.ResetsAfter is not null;
            Judge(plan.Server, plan.Client, atClient[plan.Index], isReset);
            if (!isReset || atServer.ContainsKey(plan.Index))
            {
                Judge(plan.Client, plan.Server, await Eventually.ThatAsync(() => atServer.GetValueOrDefault(plan.Index)!, there => there is not null, "the server's end"), isReset);
            }
        }

        var clean = plans.Count(plan => plan.Client.ResetsAfter is null && plan.Server.ResetsAfter is null);
        foreach (var proxy in new[] { pair.Web, pair.Voting })
        {
            var edge = proxy.Edge.Now;
            Assert.Equal((edge.Opened, 0), (edge.Closed, edge.Open));
            Assert.InRange(edge.Closed - edge.Failed, clean, Connections);
        }

        return clean;
    }

    // A prefix of what was sent; where the end was clean, all of it; and a reset is no clean end.
    private static void Judge(Side sender, Side receiver, Reception there, bool isReset)
    {
        Assert.True(there.Bytes.AsSpan().SequenceEqual(sender.Bytes.AsSpan(0, Math.Min(there.Bytes.Length, sender.Bytes.Length))), "other bytes came than were sent");
        // Whoever resets a connection hears of no end, or of his own.
        Assert.True(receiver.ResetsAfter is not null || !there.EndedCleanly || (there.Bytes.Length == sender.Bytes.Length && sender.ResetsAfter is null), $"a clean end after {there} of {sender.Bytes.Length}");
        Assert.True(isReset || there.EndedCleanly, $"nobody reset it, and yet: {there} of {sender.Bytes.Length}");
    }

    private sealed class Plan
    {
        public Plan(int seed, int index)
        {
            var random = new Random(seed * 100_000 + index);
            Index = index;
            var resets = random.Next(5);
            (Client, Server) = (new Side(random, resets == 0), new Side(random, resets == 1));
        }

        public int Index { get; }

        public Side Client { get; }

        public Side Server { get; }
    }

    private sealed class Side
    {
        private readonly Random _sending;
        private readonly Random _reading;

        public Side(Random random, bool resets)
        {
            (_sending, _reading) = (new Random(random.Next()), new Random(random.Next()));
            Bytes = TestBytes.Random(random.Next(), random.Next(8) == 0 ? random.Next(3) : random.Next(MaxBytes));
            ResetsAfter = resets ? random.Next(Bytes.Length + 1) : null;
        }

        public byte[] Bytes { get; }

        public int? ResetsAfter { get; }

        public async Task<Reception> RunAsync(Socket socket, byte[] first)
        {
            using var enough = new CancellationTokenSource();
            var reading = ReadAsync(socket, enough.Token);
            try
            {
                await TestApplication.SendAsync(socket, first);
                var last = ResetsAfter ?? Bytes.Length;
                for (var at = 0; at < last;)
                {
                    var count = Math.Min(last - at, _sending.Next(3) == 0 ? _sending.Next(1, 50) : _sending.Next(1, 150_000));
                    await TestApplication.SendAsync(socket, Bytes.AsMemory(at, count));
                    at += count;
                    await PauseAsync(_sending);
                }

                if (ResetsAfter is null)
                {
                    socket.Shutdown(SocketShutdown.Send);
                }
                else
                {
                    // To close a socket that somebody waits for says FIN first.
                    await enough.CancelAsync();
                    await reading;
                    socket.LingerState = new LingerOption(enable: true, seconds: 0);
                    socket.Dispose();
                }
            }
            catch (SocketException)
            {
                // The other side has reset it, and the kernel says so once: whoever reads after that sees an end.
                return (await reading) with { EndedCleanly = false };
            }

            return await reading;
        }

        private async Task<Reception> ReadAsync(Socket socket, CancellationToken enough)
        {
            using var received = new MemoryStream();
            var buffer = new byte[_reading.Next(1_000, 100_000)];
            try
            {
                while (await socket.ReceiveAsync(buffer, SocketFlags.None, enough) is var read and > 0)
                {
                    received.Write(buffer, 0, read);
                    await PauseAsync(_reading);
                }

                return new Reception(received.ToArray(), EndedCleanly: true);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                return new Reception(received.ToArray(), EndedCleanly: false);
            }
        }

        private static Task PauseAsync(Random random) =>
            random.Next(10) == 0 ? Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 8)), TimeProvider.System) : Task.CompletedTask;
    }
}
