using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>One ProxyHost of several, in a process of its own.</summary>
internal sealed class ProxyHostUnderTest(string name, string tokenFile, string data) : IAsyncDisposable
{
    private readonly string _listen = FreePorts.NextAddress();
    private readonly string _probes = FreePorts.NextAddress();

    public string Name => name;

    public Uri Address => new($"https://{_listen}");

    public TestProcess Process { get; private set; } = null!;

    /// <summary>Starts it, again where it was there before, and waits until it serves through so many silos.</summary>
    public async Task StartAsync(int silos)
    {
        Process = TestProcess.StartDotnet(name, Programs.Assembly("ProxyHost"),
        [
            $"--ProxyHost:TokenFile={tokenFile}", $"--ProxyHost:Data={data}", $"--ProxyHost:Listen={_listen}",
            $"--ProxyHost:AdminListen={_probes}", "--ProxyHost:Drain=00:00:02",
        ]);
        await Http.UntilReadyAsync(_probes);
        await UntilConnectedAsync(silos);
    }

    /// <summary>Waits until it knows of so many silos.</summary>
    public Task UntilConnectedAsync(int silos) => Eventually.UntilAsync(
        () => ValueAsync("orleans_client_connected_gateways"), connected => connected >= silos, $"{name} is connected to {silos} silos");

    /// <summary>How many proxies hold a watch here.</summary>
    public Task<double> WatchesAsync() => ValueAsync("mesh_proxyhost_watch_streams");

    public async ValueTask DisposeAsync()
    {
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }
    }

    private async Task<double> ValueAsync(string metric)
    {
        try
        {
            var page = await Scrape.ReadAsync(new Uri($"http://{_probes}/metrics"));
            return page.Samples.Where(sample => sample.Name == metric).Sum(sample => sample.Value);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return 0;
        }
    }
}
