using System.Net;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.DataPlane;

/// <summary>Two processes of somebody else's proxy. Keys, configuration and what they write are in one folder.</summary>
/// <param name="backend">Behind the inbound proxy.</param>
/// <param name="environment">Of both processes.</param>
internal abstract class ForeignPair(IPEndPoint backend, string folder, IReadOnlyDictionary<string, string> environment) : IPeer
{
    private readonly List<TestProcess> _processes = [];

    public abstract string Name { get; }

    public IPEndPoint Entrance { get; } = FreeEndPoint();

    public TappedWay Tapped { get; } = new(FreeEndPoint(), FreeEndPoint(), FreeEndPoint());

    public IReadOnlyList<int> Proxies => [.. _processes.Select(process => process.Id)];

    protected IPEndPoint Backend => backend;

    protected string Folder => folder;

    /// <summary>The Debian package that has it.</summary>
    protected abstract string Package { get; }

    protected abstract string Program { get; }

    /// <summary>The inbound proxy first, so that nobody meets an outbound one with nothing behind it.</summary>
    public async Task<IPeer> StartAsync()
    {
        try
        {
            await StartAsync("in", Inbound(), Tapped.Inbound);
            await StartAsync("out", Outbound(), Entrance);
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
    }

    /// <summary>The configuration of the inbound proxy.</summary>
    protected abstract string Inbound();

    /// <summary>The configuration of the outbound proxy, with both entrances.</summary>
    protected abstract string Outbound();

    protected abstract IEnumerable<string> Arguments(string configuration);

    protected string Pem(string name) => Path.Combine(folder, $"{name}.pem");

    private static IPEndPoint FreeEndPoint() => new(IPAddress.Loopback, FreePorts.Next());

    private async Task StartAsync(string side, string configuration, IPEndPoint listens)
    {
        if (!File.Exists(Program))
        {
            throw new FileNotFoundException($"There is no {Program}. Run: apt-get install {Package}; or name others with --peer.");
        }

        var file = Path.Combine(folder, $"{Name}-{side}.conf");
        await File.WriteAllTextAsync(file, configuration);
        var process = TestProcess.Start($"{Name}-{side}", Program, Arguments(file), environment);
        _processes.Add(process);
        await Eventually.TrueAsync(
            () => process.HasExited ? throw new InvalidOperationException($"{process.Name} has ended: {process.Output}") : Listening.IsAt(listens), $"{process.Name} listens");
    }
}
