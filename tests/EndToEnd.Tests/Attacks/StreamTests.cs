using System.Diagnostics;
using System.Net;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Streams by the thousand, opened and taken back: CVE-2023-44487.</summary>
public class StreamTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    [Theory(Explicit = true)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rapid_reset_ends_the_connection_and_costs_no_memory(bool hasCertificate)
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var credential = hasCertificate ? (await TestProxy.EnrollAsync(Mesh, "mallory-reset")).Credential : null;
        var (before, rss) = (await ResetsAsync(), Rss());
        var (started, ended) = (TimeProvider.System.GetTimestamp(), 0);

        // A new connection each time that one is ended, for five seconds.
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(5))
        {
            await using var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, credential, IPAddress.Parse("127.0.3.1"));
            ended += await ResetUntilEndedAsync(connection, streams: 20_000) ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{ended} connections ended; {Rss() - rss:0} MB more");
        Assert.True(ended > 0, "no connection was ended");
        // Where the client's own end came first, Kestrel has nothing to say.
        await Eventually.UntilAsync(ResetsAsync, now => now >= before + (ended / 2), "they are counted");
        Assert.True(Rss() - rss < 100, $"the ProxyHost grew from {rss:0} to {Rss():0} MB");
        await bystander.WasServedAsync();
    }

    // 200 streams a write, each opened and reset at once.
    private static async Task<bool> ResetUntilEndedAsync(RawHttp2 connection, int streams)
    {
        var reading = connection.EndedAsync(TimeSpan.FromSeconds(10));
        try
        {
            for (var i = 0; i < streams && !reading.IsCompleted; i += 200)
            {
                await connection.SendAsync(Enumerable.Range(i, 200).SelectMany(
                    n => new[] { connection.Call((2 * n) + 1, RawCalls.Certify), RawHttp2.Cancel((2 * n) + 1) }));
            }
        }
        catch (IOException)
        {
            return true;
        }

        return reading.IsCompleted;
    }

    // Which of the two bounds of Kestrel's is met first depends on how fast its refusals can be sent.
    private async Task<double> ResetsAsync() =>
        await Refusals.CountAsync(Mesh, "StreamResetLimitExceeded") + await Refusals.CountAsync(Mesh, "OutputQueueSizeExceeded");

    private double Rss()
    {
        using var process = Process.GetProcessById(Mesh.ProxyHost.Id);
        return process.WorkingSet64 / 1024.0 / 1024.0;
    }
}
