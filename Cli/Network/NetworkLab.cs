using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Mesh.Cli.Network;

/// <summary>
/// Hosts of our own on this machine: a network namespace for each, all on one bridge, and this machine on it too. Needs root, and <c>ip</c>.
/// </summary>
/// <remarks>
/// Labs are numbered, and a lock on a file under <c>/run</c> holds a number for as long as its process lives. So whatever a process that was
/// killed has left behind is known by its free lock, and goes when the next lab is made. The bridge has a namespace to itself, where this
/// machine's firewall does not reach.
/// </remarks>
internal sealed class NetworkLab : IAsyncDisposable
{
    private const string LockFolder = "/run/mesh-labs";
    private const string NamespaceFolder = "/run/netns";
    private const string Wire = "wire";
    private const int MaxLabs = 64;
    private const int MaxHosts = 200;

    private readonly FileStream _claim;
    private readonly int _number;
    private readonly List<NetworkHost> _hosts = [];

    private NetworkLab(FileStream claim, int number) => (_claim, _number) = (claim, number);

    /// <summary>This machine's own address on the bridge, from 198.18.0.0/15, which RFC 2544 keeps for tests.</summary>
    public IPAddress Address => V4(1);

    /// <summary>This machine's own IPv6 address on the bridge.</summary>
    public IPAddress Address6 => V6(1);

    public IReadOnlyList<NetworkHost> Hosts => _hosts;

    /// <summary>A bridge with this machine on it and nobody else.</summary>
    /// <exception cref="IOException">Namespaces or links can't be made here; the message has what <c>ip</c> said.</exception>
    public static async Task<NetworkLab> CreateAsync(CancellationToken cancellationToken)
    {
        NetworkLab? lab = null;
        Directory.CreateDirectory(LockFolder);
        for (var number = 0; number < MaxLabs; number++)
        {
            if (TryClaim(number) is not { } claim)
            {
                continue;
            }

            await SweepAsync(number);
            if (lab is null)
            {
                lab = new NetworkLab(claim, number);
            }
            else
            {
                await claim.DisposeAsync();
            }
        }

        if (lab is null)
        {
            throw new IOException($"All {MaxLabs} network labs are in use.");
        }

        try
        {
            await lab.BuildAsync(cancellationToken);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more host on the bridge, with an IPv4 and an IPv6 address, and this machine as its gateway.</summary>
    /// <param name="name">Lower case, at most twelve letters, digits and hyphens; not <c>wire</c>.</param>
    public async Task<NetworkHost> AddAsync(string name, CancellationToken cancellationToken)
    {
        if (_hosts.Count == MaxHosts || name.Length is 0 or > 12 || name == Wire || name.Any(letter => letter is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')))
        {
            throw new ArgumentException($"{name} can't be the name of host {_hosts.Count + 1}.", nameof(name));
        }

        var host = new NetworkHost(NameOf(name), V4(_hosts.Count + 2), V6(_hosts.Count + 2));
        await IpAsync(cancellationToken, "netns", "add", host.Namespace);
        _hosts.Add(host);
        await IpAsync(cancellationToken, "link", "add", "eth0", "netns", host.Namespace, "type", "veth", "peer", "name", name, "netns", NameOf(Wire));
        await PlugAsync(name, cancellationToken);
        string[] inside = ["-n", host.Namespace];
        await IpAsync(cancellationToken, [.. inside, "link", "set", "lo", "up"]);
        await IpAsync(cancellationToken, [.. inside, "address", "add", $"{host.Address}/24", "dev", "eth0"]);
        await IpAsync(cancellationToken, [.. inside, "address", "add", $"{host.Address6}/64", "dev", "eth0", "nodad"]);
        await IpAsync(cancellationToken, [.. inside, "link", "set", "eth0", "up"]);
        await IpAsync(cancellationToken, [.. inside, "route", "add", "default", "via", Address.ToString()]);
        await IpAsync(cancellationToken, [.. inside, "-6", "route", "add", "default", "via", Address6.ToString()]);
        return host;
    }

    /// <summary>Takes all of it away. Processes that still run in a host keep running, with no network.</summary>
    public async ValueTask DisposeAsync()
    {
        await SweepAsync(_number);
        await _claim.DisposeAsync();
    }

    private async Task BuildAsync(CancellationToken cancellationToken)
    {
        var link = $"mesh-{_number}";
        await IpAsync(cancellationToken, "netns", "add", NameOf(Wire));
        await IpAsync(cancellationToken, "-n", NameOf(Wire), "link", "add", "bridge", "type", "bridge");
        await IpAsync(cancellationToken, "-n", NameOf(Wire), "link", "set", "bridge", "up");
        await IpAsync(cancellationToken, "link", "add", link, "type", "veth", "peer", "name", "machine", "netns", NameOf(Wire));
        await PlugAsync("machine", cancellationToken);
        await IpAsync(cancellationToken, "address", "add", $"{Address}/24", "dev", link);
        await IpAsync(cancellationToken, "address", "add", $"{Address6}/64", "dev", link, "nodad");
        await IpAsync(cancellationToken, "link", "set", link, "up");
    }

    private async Task PlugAsync(string link, CancellationToken cancellationToken) =>
        await IpAsync(cancellationToken, "-n", NameOf(Wire), "link", "set", link, "master", "bridge", "up");

    private string NameOf(string host) => $"mesh-{_number}-{host}";

    private IPAddress V4(int host) => new([198, 18, (byte)_number, (byte)host]);

    private IPAddress V6(int host) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd6d:6573:6800:{_number:x}::{host:x}"));

    private static FileStream? TryClaim(int number)
    {
        try
        {
            return new FileStream(Path.Combine(LockFolder, number.ToString(CultureInfo.InvariantCulture)), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null; // Another process has it.
        }
    }

    private static async Task SweepAsync(int number)
    {
        if (!Directory.Exists(NamespaceFolder))
        {
            return;
        }

        // A namespace ends some time after its deletion, when the last that was done in it is over. This machine's own link doesn't wait.
        var link = $"mesh-{number}";
        if (HasLink(link))
        {
            try
            {
                await IpAsync(CancellationToken.None, "link", "delete", link);
            }
            catch (IOException) when (!HasLink(link))
            {
                // It has gone with its namespace meanwhile.
            }
        }

        foreach (var left in Directory.EnumerateFiles(NamespaceFolder, $"mesh-{number}-*").ToList())
        {
            await IpAsync(CancellationToken.None, "netns", "delete", Path.GetFileName(left));
        }
    }

    private static bool HasLink(string link) => Directory.Exists($"/sys/class/net/{link}");

    private static async Task IpAsync(CancellationToken cancellationToken, params IReadOnlyList<string> arguments)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = await ip.StandardError.ReadToEndAsync(cancellationToken);
        await ip.WaitForExitAsync(cancellationToken);
        if (ip.ExitCode != 0)
        {
            throw new IOException($"ip {string.Join(' ', arguments)}: {said.Trim()}");
        }
    }
}
