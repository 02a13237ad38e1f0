using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Strangers at a proxy's inbound listener: without number, and without end. The application's own clients go on being served.</summary>
public class ProxyConnectionTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private const int Crowd = 10_000;
    private const long MaxGrowthBytes = 150L * 1024 * 1024;

    private MeshUnderTest Mesh => running.Mesh;

    [Fact(Explicit = true)]
    public async Task Ten_thousand_connections_that_say_nothing_keep_nobody_out()
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, "crowd", isNative: true);
        var before = ResidentBytes(pair);
        List<Socket> crowd = [];
        try
        {
            await using (var clients = new EchoClients(pair))
            {
                for (var i = 0; i < Crowd; i++)
                {
                    crowd.Add(await ConnectAsync(pair, IPAddress.Parse($"127.0.2.{(i % 20) + 1}")));
                }

                await clients.WereServedAsync();
            }

            Assert.InRange(ResidentBytes(pair) - before, long.MinValue, MaxGrowthBytes);
            await Eventually.TrueAsync(() => crowd.All(Sockets.HasEnded), "everybody who said nothing is let go");
        }
        finally
        {
            crowd.ForEach(socket => socket.Dispose());
        }
    }

    [Fact(Explicit = true)]
    public async Task Hellos_and_handshakes_that_never_end_are_ended()
    {
        await using var pair = await MeshedPair.StartAsync(Mesh, "loris", isNative: true);
        var hello = await HelloAsync(pair.Server.Id);
        byte[][] sayings =
        [
            // A whole ClientHello of ours, and nothing after it.
            hello,
            // Half of one.
            hello[..(hello.Length / 2)],
            // A record that is longer than any may be; one that is never whole; something that is no TLS and no end.
            [22, 3, 1, 0xff, 0xff, 1, 0, 0, 9], [22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3], [.. "GET / HTTP/1.1\r\nHost: "u8],
            [.. Enumerable.Range(0, 64).Select(i => (byte)(i * 37))],
        ];
        var before = ResidentBytes(pair);
        List<Socket> sockets = [];
        try
        {
            await using (var clients = new EchoClients(pair))
            {
                for (var i = 0; i < 1_200; i++)
                {
                    var socket = await ConnectAsync(pair, IPAddress.Parse($"127.0.3.{(i % 20) + 1}"));
                    sockets.Add(socket);
                    await socket.SendAsync(sayings[i % sayings.Length]);
                }

                // And some who say it a byte at a time.
                var slow = new List<Socket>();
                for (var i = 0; i < 50; i++)
                {
                    slow.Add(await ConnectAsync(pair, IPAddress.Parse("127.0.3.30")));
                }

                foreach (var next in hello[..100])
                {
                    await Task.WhenAll(slow.Where(socket => !Sockets.HasEnded(socket)).Select(async socket => await TrySendAsync(socket, next)));
                    await Task.Delay(TimeSpan.FromMilliseconds(150), TimeProvider.System, TestContext.Current.CancellationToken);
                }

                sockets.AddRange(slow);
                await clients.WereServedAsync();
            }

            Assert.InRange(ResidentBytes(pair) - before, long.MinValue, MaxGrowthBytes);
            await Eventually.TrueAsync(() => sockets.All(HasEnded), "each of them is ended");
            Assert.Equal(0, await OpenAsync(pair));
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static Task<Socket> ConnectAsync(MeshedPair pair, IPAddress from) =>
        Sockets.ConnectAsync(new Uri($"https://{pair.Server.Inbound}"), from, TestContext.Current.CancellationToken);

    private static async Task TrySendAsync(Socket socket, byte next)
    {
        try
        {
            await socket.SendAsync(new[] { next });
        }
        catch (SocketException)
        {
            // It has been ended meanwhile, which is what it is tried for.
        }
    }

    // What the proxy has answered to a hello lies before the end.
    private static bool HasEnded(Socket socket)
    {
        try
        {
            var buffer = new byte[16 * 1024];
            while (socket.Poll(0, SelectMode.SelectRead))
            {
                if (socket.Receive(buffer) == 0)
                {
                    return true;
                }
            }

            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static long ResidentBytes(MeshedPair pair)
    {
        var line = File.ReadLines($"/proc/{pair.Server.Process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<double> OpenAsync(MeshedPair pair) => new Scrape(await pair.Server.MetricsAsync()).Samples
        .Where(sample => sample.Name == "tcp_open_connections" && sample.Labels.GetValueOrDefault("kind") != "scrape").Sum(sample => sample.Value);

    private static async Task<byte[]> HelloAsync(SpiffeId server)
    {
        var wire = new SilentWire();
        await using var tls = new SslStream(wire);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = server.DnsName, ApplicationProtocols = [new SslApplicationProtocol("mesh-orleans/1")],
            EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls13,
        };
        await Assert.ThrowsAsync<IOException>(() => tls.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken));
        return wire.Said;
    }

    /// <summary>Keeps what is said, and ends where an answer is waited for.</summary>
    private sealed class SilentWire : MemoryStream
    {
        public byte[] Said => ToArray();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(0);
    }

    /// <summary>Clients of the application, each with a connection of its own, all the while that something goes on.</summary>
    private sealed class EchoClients : IAsyncDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

        private readonly MeshedPair _pair;
        private readonly CancellationTokenSource _stopping = new();
        private readonly ConcurrentQueue<TimeSpan> _answers = new();
        private readonly Task _calling;
        private int _failures;

        public EchoClients(MeshedPair pair)
        {
            _pair = pair;
            _calling = CallAsync();
        }

        public async Task WereServedAsync()
        {
            await Eventually.TrueAsync(() => _answers.Count >= 10 || _failures > 0, "ten clients are answered");
            Assert.Equal(0, _failures);
            var slowest = _answers.ToArray().Max();
            TestContext.Current.TestOutputHelper?.WriteLine($"{_answers.Count} clients were served, the slowest in {slowest.TotalMilliseconds:0} ms");
            Assert.True(slowest < Patience, $"The slowest took {slowest}.");
        }

        public async ValueTask DisposeAsync()
        {
            await _stopping.CancelAsync();
            await _calling;
            _stopping.Dispose();
        }

        private async Task CallAsync()
        {
            while (!_stopping.IsCancellationRequested)
            {
                var began = TimeProvider.System.GetTimestamp();
                if (await PlainClient.TryEchoAsync(_pair.Entrance, "hello") == "hello")
                {
                    _answers.Enqueue(TimeProvider.System.GetElapsedTime(began));
                }
                else
                {
                    _failures++;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
