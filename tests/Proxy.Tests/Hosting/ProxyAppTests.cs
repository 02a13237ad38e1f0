using System.Net;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Hosting;

public sealed class ProxyAppTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-proxy-test-");
    private readonly LogCapture _log = new();

    private ProxyOptions Options => new()
    {
        TokenFile = Path.Combine(_folder.FullName, "token"),
        Data = Path.Combine(_folder.FullName, "data"),
        AdminListen = new IPEndPoint(IPAddress.Loopback, 0),
        Drain = TimeSpan.FromHours(1),
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_proxy_runs_until_it_is_told_to_stop_and_ends_at_once_where_nothing_is_open(bool withListener)
    {
        var options = withListener
            ? Options with { Inbound = [new InboundOptions(new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 1))] }
            : Options;
        using var app = new ProxyApp(options, TimeProvider.System, _log.Factory);
        using var stopping = new CancellationTokenSource();
        var running = app.RunAsync(stopping.Token);
        // Without a token it goes on trying.
        await _log.SaysAsync(5102, "Enrollment failed", "token");
        Assert.False(running.IsCompleted);

        await stopping.CancelAsync();

        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(["Stopping: 0 connections are open and have 01:00:00 to end"], _log.Of(5001));
    }

    [Fact]
    public async Task A_token_that_may_not_be_read_is_tried_again()
    {
        // A folder in its place is refused to root too.
        Directory.CreateDirectory(Options.TokenFile!);
        using var app = new ProxyApp(Options, TimeProvider.System, _log.Factory);
        using var stopping = new CancellationTokenSource();
        var running = app.RunAsync(stopping.Token);

        await _log.SaysAsync(5102, "Enrollment failed", "failure 2 in a row");

        await stopping.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_taken_address_is_named()
    {
        await using var holder = TestApplication.Echo();

        var refusal = Assert.Throws<IOException>(() => new ProxyApp(Options with { AdminListen = holder.Address }, TimeProvider.System, _log.Factory));

        Assert.StartsWith($"Cannot listen on {holder.Address}: ", refusal.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
