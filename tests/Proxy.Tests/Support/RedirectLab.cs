using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Cli.Network;
using Mesh.Proxy.Interception;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Which listener has answered, and where its connection was going before it was redirected.</summary>
internal readonly record struct Arrival(string Listener, IPEndPoint? Original);

/// <summary>A pod whose traffic <c>Proxy init</c> leads to listeners of ours, and two peers on the same wire, the second one skipped.</summary>
internal sealed class RedirectLab : IAsyncDisposable
{
    public const uint ProxyUid = 2102;
    public const int AppPort = 8080;
    public const int SkippedPort = 2222;

    private readonly NetworkLab _network;
    private readonly List<Socket> _listeners = [];

    private RedirectLab(NetworkLab network, NetworkHost pod, NetworkHost peer, NetworkHost skipped) =>
        (_network, Pod, Peer, Skipped) = (network, pod, peer, skipped);

    public NetworkHost Pod { get; }

    public NetworkHost Peer { get; }

    public NetworkHost Skipped { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<RedirectLab> StartAsync()
    {
        var network = await Lab.CreateAsync();
        var lab = new RedirectLab(
            network, await network.AddAsync("pod", Cancel), await network.AddAsync("peer", Cancel), await network.AddAsync("skipped", Cancel));
        try
        {
            foreach (var loopback in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
            {
                await lab.ListenAsync(lab.Pod, loopback, InterceptionPorts.Outbound, "outbound");
            }

            foreach (var any in new[] { IPAddress.Any, IPAddress.IPv6Any })
            {
                await lab.ListenAsync(lab.Pod, any, InterceptionPorts.Inbound, "inbound");
                await lab.ListenAsync(lab.Pod, any, InterceptionPorts.Admin, "admin");
                foreach (var port in new[] { AppPort, SkippedPort })
                {
                    await lab.ListenAsync(lab.Pod, any, port, "application");
                    await lab.ListenAsync(lab.Peer, any, port, "peer");
                    await lab.ListenAsync(lab.Skipped, any, port, "skipped peer");
                }
            }

            await lab.InitAsync(
                0, "--proxy-uid", $"{ProxyUid}", "--skip-inbound-ports", $"{SkippedPort}", "--skip-outbound-ports", $"{SkippedPort}", "--skip-subnets",
                $"{lab.Skipped.Address}/32,{lab.Skipped.Address6}/128");
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listeners.ForEach(listener => listener.Dispose());
        await _network.DisposeAsync();
    }

    public static IPAddress[] Addresses(NetworkHost host) => [host.Address, host.Address6];

    public Task<string> InitAsync(int code, params string[] arguments) => InitAsync(code, arguments, uid: null);

    // The program itself, as it was built.
    public async Task<string> InitAsync(int code, string[] arguments, uint? uid)
    {
        await using var init = Pod.Start("init", "dotnet", [Programs.Assembly("Proxy"), "init", .. arguments], uid);
        Assert.True(code == await init.ExitedAsync(TimeSpan.FromSeconds(30)), init.Output);
        return init.Output;
    }

    public Task<string> RulesetAsync() => RunAsync(Pod, "nft", "list", "ruleset");

    /// <summary>Runs a program on a host to its end, which must be a good one.</summary>
    public static async Task<string> RunAsync(NetworkHost host, string program, params string[] arguments)
    {
        await using var process = host.Start(program, program, arguments);
        Assert.True(await process.ExitedAsync(TimeSpan.FromSeconds(10)) == 0, process.Output);
        return process.StandardOutput.Trim();
    }

    public async Task<string> ReadAsUserAsync(uint uid)
    {
        await using var client = Pod.Start("client", "bash", ["-c", $"exec 3<>/dev/tcp/{Peer.Address}/{AppPort}; cat <&3"], uid);
        await client.ExitedAsync(TimeSpan.FromSeconds(10));
        return client.StandardOutput.Trim();
    }

    public static async Task<Arrival> ConnectAsync(NetworkHost from, IPAddress to, int port, uint? uid = null, IPAddress? source = null)
    {
        using var socket = await HostThread.OnAsync(from, () => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp), uid);
        if (source is not null)
        {
            socket.Bind(new IPEndPoint(source, 0));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        await socket.ConnectAsync(new IPEndPoint(to, port), limit.Token);
        using var stream = new StreamReader(new NetworkStream(socket));
        var said = (await stream.ReadToEndAsync(limit.Token)).Trim();
        var space = said.LastIndexOf(' ');
        return new Arrival(said[..space], said[(space + 1)..] is var original && original == "-" ? null : IPEndPoint.Parse(original));
    }

    // Tells each client who it has reached, and where it was going.
    private async Task ListenAsync(NetworkHost host, IPAddress address, int port, string name)
    {
        var listener = await HostThread.OnAsync(host, () =>
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return socket;
        });
        _listeners.Add(listener);
        _ = AnswerAsync(listener, name);
    }

    private static async Task AnswerAsync(Socket listener, string name)
    {
        while (true)
        {
            try
            {
                using var connection = await listener.AcceptAsync();
                var original = OriginalDestination.Of((int)connection.Handle)?.ToString() ?? "-";
                await connection.SendAsync(Encoding.ASCII.GetBytes($"{name} {original}"));
                connection.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (listener.SafeHandle.IsClosed)
                {
                    return;
                }
            }
        }
    }
}
