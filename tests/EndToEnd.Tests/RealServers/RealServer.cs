using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>A server as Debian ships it, started on one host, and a conversation that clients on another have with it.</summary>
/// <param name="name">What people call it.</param>
/// <param name="port">Where it listens, on every address.</param>
/// <param name="programs">What must be installed, and in which package each is.</param>
internal abstract class RealServer(string name, int port, params (string Program, string Package)[] programs)
{
    /// <summary>Debian's <c>nobody</c>: several of them refuse to be root, and PostgreSQL wants a user with a name.</summary>
    protected const uint Nobody = 65534;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly IReadOnlyList<RealServer> All =
    [
        new RedisServer(), new MemcachedServer(), new NginxServer(), new EtcdServer(), new PostgresServer(), new MariaDbServer(), new NatsServer(), new SshServer(),
    ];

    /// <summary>What there is, for theories.</summary>
    public static TheoryData<string> Names => [.. All.Select(server => server.Name)];

    public string Name => name;

    public int Port => port;

    public static RealServer Of(string name) => All.Single(server => server.Name == name);

    /// <summary>Skips the test by name where a program is missing.</summary>
    public void Require()
    {
        foreach (var (program, package) in programs)
        {
            Tools.Require(program, package);
        }
    }

    /// <summary>Starts it, with its data in a folder that is <c>nobody</c>'s. It answers some time later.</summary>
    public abstract Task<TestProcess> StartAsync(NetworkHost host, string folder);

    /// <summary>What clients do with it, and what they must get.</summary>
    public abstract Task ConverseAsync(NetworkHost client, IPAddress server, string folder);

    /// <summary>Whether it listens yet, as somebody on its own host finds out, past any proxy.</summary>
    public async Task ListensAsync(NetworkHost host)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                using var probe = await HostThread.OnAsync(host, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                try
                {
                    await probe.ConnectAsync(IPAddress.Loopback, port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            $"{name} listens");
    }

    /// <summary>Runs a program on a host to its end, which must be a good one.</summary>
    /// <returns>What it said on stdout.</returns>
    protected static async Task<string> RunAsync(NetworkHost host, uint? uid, string program, params string[] arguments)
    {
        await using var process = host.Start(program, program, arguments, uid);
        var code = await process.ExitedAsync(Limit);
        Assert.True(code == 0, $"{program} has ended with {code}: {process.Output}");
        return process.StandardOutput.Trim();
    }

    /// <summary>A connection of a client on that host, for protocols of plain text.</summary>
    protected async Task<TextConversation> ConnectAsync(NetworkHost client, IPAddress server)
    {
        var socket = await HostThread.OnAsync(client, () => new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(new IPEndPoint(server, port)).WaitAsync(Limit);
        return new TextConversation(socket, Limit);
    }
}
